/**
 * A client that stops reading during a turn of 100 000 deltas, which another client watches: nothing may be lost to the other
 * one, and nothing may pile up in the server.
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

/** Milliseconds between two looks at the memory. */
const Interval = 10

interface Run {
  readonly delivered: number
  readonly millis: number
  /** How long each request of another client took. */
  readonly requests: ReadonlyArray<number>
  /** Most memory held, less what was held before. */
  readonly growth: number
}

/** Another client, which asks for little until it is told to stop; `stop` gives the milliseconds of each answer. */
const bystander = async (url: string) => {
  const child = fork(new URL("../children/bystander.ts", import.meta.url), [url])
  running.add(child)
  child.once("close", () => running.delete(child))
  await once(child, "message")
  return {
    stop: async (): Promise<ReadonlyArray<number>> => {
      const told = once(child, "message")
      child.send("stop")
      const [millis] = (await told) as [ReadonlyArray<number>]
      child.disconnect()
      return millis
    }
  }
}

/** The most memory that the server held until then. */
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

/** What one in a hundred took or more. */
const p99 = (millis: ReadonlyArray<number>): number =>
  millis.toSorted((a, b) => a - b)[Math.floor(millis.length * 0.99)] ?? Number.NaN

const run = (world: World, launch: Launch, slow: boolean): Promise<Run> =>
  listening(launch, async (server) => {
    const reader = await server.connect()
    const thread = await reader.startThread(world.work)
    // The first turn also lets the heap grow to what such a turn takes anyhow.
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

const alone = (name: string): string => `${name}, nobody slow`

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
  // A turn is over before there are a hundred requests: those of all rounds count together.
  const together = new Map(
    [...runs].map(([label, done]) => [label, summarize([p99(done.flatMap(({ requests }) => requests))])])
  )
  const delivered = { _tag: "Figure", limit: Pieces } as const
  const growth = { _tag: "Figure", limit: 64 } as const
  const what = "deltas that reach a client beside a stopped one"
  return [
    compare({ name: "slow-reader", what, unit: "arrived", target: delivered }, ours, beside(each((r) => r.delivered))),
    compare({ name: "slow-reader-turn", what: "that turn of 100 000 deltas", unit: "ms" }, ours, beside(millis)),
    compare({ name: "slow-reader-p99", what: "p99 of requests meanwhile", unit: "ms" }, ours, beside(together)),
    compare(
      { name: "slow-reader-memory", what: "memory more at most", unit: "MB", target: growth },
      ours,
      isAvailable ? beside(each((r) => r.growth)) : new Map([[ours, { missing: "needs /proc" }]])
    )
  ]
}
