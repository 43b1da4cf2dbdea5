/**
 * An embedded agent without Effect: promises, async iterables and callbacks. It runs one prompt with the offline model, allows
 * commands that begin with `echo`, and prints what happens.
 *
 *     node examples/promise.ts "run: echo hello"
 */
import { AppServerError, createAppServer } from "spindle-app-server/promise"

const prompt = process.argv[2] ?? "run: echo hello"

await using server = await createAppServer({
  clientName: "promise-example",
  clientVersion: "1.0.0",
  offline: true,
  handlers: {
    "item/commandExecution/requestApproval": ({ command }) => ({
      decision: command?.includes("echo ") === true ? "accept" : "decline"
    })
  }
})

const thread = await server.startThread()

try {
  for await (const event of thread.turn(prompt, { signal: AbortSignal.timeout(60_000) })) {
    if (event._tag !== "ServerNotification") continue
    const { notification } = event
    if (notification.method === "item/completed") process.stdout.write(`[${notification.params.item.type}]\n`)
  }
  const { text, usage } = await thread.run("say: That was all.")
  process.stdout.write(`${text} (${usage?.last.outputTokens ?? 0} tokens)\n`)
} catch (error) {
  if (!(error instanceof AppServerError)) throw error
  process.stderr.write(`error: ${error.message} (${error.code})\n`)
  process.exitCode = 1
}
