/**
 * A client that repeats a small request in its own process. It measures how long it waits for the server, independent of the
 * work of the bench's other clients.
 *
 * The argument is the URL of the server. The child reports when it is connected, sends requests until it receives a message,
 * and then reports the milliseconds of each response.
 */
import { performance } from "node:perf_hooks"
import process from "node:process"
import { Peer } from "../listening.ts"

const peer = await new Peer(process.argv[2] ?? "").open()
let asking = true
process.once("message", () => {
  asking = false
})
process.once("disconnect", () => process.exit())
process.send?.([])

const millis: Array<number> = []
const ask = async (): Promise<void> => {
  const from = performance.now()
  await peer.request("thread/loaded/list", {})
  millis.push(performance.now() - from)
  if (asking) await ask()
}
await ask()
process.send?.(millis)
