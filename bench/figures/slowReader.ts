/**
 * A client stops reading during a turn of 100 000 deltas, while another client watches the turn: the other one must receive
 * everything, and the server must not accumulate memory.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { compare, type Figure, isMissing } from "../figure.ts"
import { flags, listening } from "../listening.ts"
import { isAvailable, residentMegabytes } from "../proc.ts"
import { type Contestant, type Sample, summarize, takeTurns } from "../sample.ts"
import { type Launch, running } from "../server.ts"
import type { World } from "../world.ts"
import { launches, ours, withMissing } from "./servers.ts"

const Pieces = 100_000

/** Milliseconds between two memory measurements. */
const Interval = 10

interface Run {
  readonly delivered: number
  readonly millis: number
  /** The duration of each request of another client. */
  readonly requests: ReadonlyArray<number>
  /** Peak memory during the turn, minus the memory before it. */
  readonly growth: number
}

/** Another client, which repeats a small request until `stop`; `stop` returns the milliseconds of each response. */
const bystander = async (url: string) => {
  const child = fork(new URL("../children/bystander.ts", import.meta.url), [url])
  running.add(child)
  child.once("close", () => running.delete(child))
  await once(child, "message")
  return {
    stop: async (): Promise<ReadonlyArray<number>> => {
      const result = once(child, "message")
      child.send("stop")
      const [millis] = (await result) as [ReadonlyArray<number>]
      child.disconnect()
      return millis
    }
  }
}

/** The server's peak memory until the promise completes. */
const mostMemory = async (pid: number, until: Promise<unknown>): Promise<number> => {
  let watching = isAvailable
  const stop = () => {
    watching = false
  }
  until.then(stop, stop)
  let most = 0
  const look = async (): Promise<void> => {
    if (!watching) return
    most = Math.max(most, residentMegabytes(pid))
    await new Promise((resolve) => setTimeout(resolve, Interval))
    await look()
  }
  await look()
  return most
}

/** The 99th percentile. */
const p99 = (millis: ReadonlyArray<number>): number =>
  millis.toSorted((a, b) => a - b)[Math.floor(millis.length * 0.99)] ?? Number.NaN

const run = (world: World, launch: Launch, slow: boolean): Promise<Run> =>
  listening(launch, async (server) => {
    const reader = await server.connect()
    const thread = await reader.startThread(world.work)
    // The first turn also grows the heap to the size that such a turn needs.
    await reader.turn(thread)
    if (slow) {
      const stopped = await server.connect()
      await stopped.resume(thread)
      stopped.pause()
    }
    const other = await bystander(server.url)
    const before = isAvailable ? residentMegabytes(server.pid) : 0
    const seen = reader.deltas
    const turn = reader.turn(thread)
    const most = await mostMemory(server.pid, turn)
    const millis = await turn
    return { millis, delivered: reader.deltas - seen, requests: await other.stop(), growth: most - before }
  })

const alone = (name: string): string => `${name}, without a slow reader`

export const slowReader = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world, Pieces, ...flags)
  const contestants = new Map<string, Contestant>()
  const runs = new Map<string, Array<Run>>()
  for (const [name, launch] of launched) {
    if (isMissing(launch)) continue
    for (const slow of [true, false]) {
      const label = slow ? name : alone(name)
      contestants.set(label, async () => {
        const done = await run(world, launch, slow)
        runs.set(label, [...(runs.get(label) ?? []), done])
        return done.millis
      })
    }
  }
  const millis = await takeTurns(world.quick ? 2 : 5, contestants)
  const each = (pick: (run: Run) => number): ReadonlyMap<string, Sample> =>
    new Map([...runs].map(([label, done]) => [label, summarize(done.map(pick))]))
  const beside = (samples: ReadonlyMap<string, Sample>) => withMissing(launched, samples)
  // A turn ends before there are a hundred requests, so those of all rounds are combined.
  const together = new Map(
    [...runs].map(([label, done]) => [label, summarize([p99(done.flatMap(({ requests }) => requests))])])
  )
  const delivered = { _tag: "Figure", limit: Pieces } as const
  const growth = { _tag: "Figure", limit: 64 } as const
  const what = "deltas that reach a client while another has stopped reading"
  return [
    compare({ name: "slow-reader", what, unit: "arrived", target: delivered }, ours, beside(each((r) => r.delivered))),
    compare(
      { name: "slow-reader-turn", what: "duration of that turn of 100 000 deltas", unit: "ms" },
      ours,
      beside(millis)
    ),
    compare({ name: "slow-reader-p99", what: "p99 of requests during it", unit: "ms" }, ours, beside(together)),
    compare(
      { name: "slow-reader-memory", what: "peak additional memory", unit: "MB", target: growth },
      ours,
      isAvailable ? beside(each((r) => r.growth)) : new Map([[ours, { missing: "needs /proc" }]])
    )
  ]
}
