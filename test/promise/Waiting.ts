/**
 * A program without Effect that waits for a server in its own process. Nothing else keeps the process running: the timers of
 * `AbortSignal.timeout` do not.
 *
 * @module
 */
import process from "node:process"
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
process.stdout.write(`call: ${await failureOf(thread.run("wait", { signal: AbortSignal.timeout(50) }))}\n`)

const read = async (): Promise<void> => {
  for await (const event of thread.turn("wait", { signal: AbortSignal.timeout(50) })) void event
}
process.stdout.write(`iteration: ${await failureOf(read())}\n`)
