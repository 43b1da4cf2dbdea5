/**
 * A client that asks for little again and again, in a process of its own: what it waits for is the server, not the work of
 * the other clients of the bench.
 *
 * The argument is the URL of the server. It says so when it is connected, asks until it is sent anything, and then tells the
 * milliseconds that each answer took.
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
