/**
 * From the signal to the end of the process: for an idle server, and with a hundred turns that never end.
 */
import { performance } from "node:perf_hooks"
import type { Client } from "../client.ts"
import { compare, type Figure, isMissing } from "../figure.ts"
import { flags, Listening } from "../listening.ts"
import { type Contestant, takeTurns } from "../sample.ts"
import { type Launch, Server } from "../server.ts"
import type { World } from "../world.ts"
import { launches, ours, withMissing } from "./servers.ts"

const Turns = 100

/** Milliseconds after which a server that does not exit is killed. */
const Patience = 20_000

const startTurns = async (world: World, client: Client): Promise<void> => {
  for (let started = 0; started < Turns; started++) await client.startTurn(await client.startThread(world.work))
}

const endOfInput = async (world: World, launch: Launch): Promise<number> => {
  const server = new Server(launch)
  await server.initialize()
  await startTurns(world, server)
  const from = performance.now()
  await server.stop(Patience)
  return performance.now() - from
}

/** After one signal the server may wait for its turns; the second one ends them. */
const signals = async (launch: Launch, count: number, prepare: (client: Client) => Promise<void>): Promise<number> => {
  const server = await Listening.start(launch)
  const peer = await server.connect()
  await prepare(peer)
  return server.stop(count)
}

const measure = async (
  launched: Awaited<ReturnType<typeof launches>>,
  rounds: number,
  stop: (launch: Launch) => Promise<number>
) => {
  const contestants = new Map<string, Contestant>()
  for (const [name, launch] of launched) if (!isMissing(launch)) contestants.set(name, () => stop(launch))
  await takeTurns(1, contestants)
  return withMissing(launched, await takeTurns(rounds, contestants))
}

const unit = "ms"

export const idleStop = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world, 1, ...flags)
  const results = await measure(launched, world.quick ? 3 : 9, (launch) => signals(launch, 1, async () => {}))
  const target = { _tag: "Figure", limit: 50 } as const
  return [compare({ name: "idle-stop", what: "SIGTERM to the end of an idle server", unit, target }, ours, results)]
}

export const busyStop = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const rounds = world.quick ? 1 : 2
  const target = { _tag: "Figure", limit: 5000 } as const
  const stdio = await measure(await launches(world, "endless"), rounds, (launch) => endOfInput(world, launch))
  const socket = await measure(await launches(world, "endless", ...flags), rounds, (launch) =>
    signals(launch, 2, (peer) => startTurns(world, peer))
  )
  const what = "end of stdin with 100 turns, to the end"
  return [
    compare({ name: "busy-stop", what, unit, target }, ours, stdio),
    compare({ name: "busy-stop-signal", what: "second SIGTERM with 100 turns", unit, target }, ours, socket)
  ]
}
