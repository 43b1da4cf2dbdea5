/**
 * A program without Effect that waits for a server in its own process. Nothing else keeps the process running: the timers of
 * `AbortSignal.timeout` do not.
 *
 * @module
 */
import { createAppServer } from "spindle-app-server/promise"

const failureOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
    return "nothing"
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}

await using server = await createAppServer({ clientName: "test", clientVersion: "1", offline: true })
const thread = await server.startThread({})
console.log(`call: ${await failureOf(thread.run("wait", { signal: AbortSignal.timeout(50) }))}`)

const read = async (): Promise<void> => {
  for await (const event of thread.turn("wait", { signal: AbortSignal.timeout(50) })) void event
}
console.log(`iteration: ${await failureOf(read())}`)
