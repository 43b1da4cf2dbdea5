/**
 * A client that stops reading during a turn of 100 000 deltas, which another client watches: nothing may be lost to the other
 * one, and nothing may pile up in the server.
 */
import { performance } from "node:perf_hooks"
import { compare, type Figure, isMissing } from "../figure.ts"
import { flags, type Listening, listening } from "../listening.ts"
import { isAvailable, residentMegabytes } from "../proc.ts"
import { type Contestant, type Sample, summarize, takeTurns } from "../sample.ts"
import type { Launch } from "../server.ts"
import type { World } from "../world.ts"
import { launches, ours, withMissing } from "./servers.ts"

const Pieces = 100_000

/** Milliseconds between two looks at the memory, and between two requests of a bystander. */
const Interval = 10

interface Run {
  readonly delivered: number
  readonly millis: number
  /** How long one in a hundred requests of another client took or more. */
  readonly p99: number
  /** Most memory held, less what was held before. */
  readonly growth: number
}

/** Asks for little again and again until told to stop; the milliseconds of each answer, and the most memory seen. */
const watch = async (server: Listening, until: Promise<unknown>) => {
  const bystander = await server.connect()
  let watching = true
  const stop = () => {
    watching = false
  }
  until.then(stop, stop)
  const millis: Array<number> = []
  let most = 0
  const look = async (): Promise<void> => {
    const from = performance.now()
    await bystander.request("thread/loaded/list", {})
    millis.push(performance.now() - from)
    if (isAvailable) most = Math.max(most, residentMegabytes(server.pid))
    await new Promise((resolve) => setTimeout(resolve, Interval))
    if (watching) await look()
  }
  await look()
  bystander.close()
  return { p99: millis.toSorted((a, b) => a - b)[Math.floor(millis.length * 0.99)] ?? Number.NaN, most }
}

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
    const before = isAvailable ? residentMegabytes(server.pid) : 0
    const seen = reader.deltas
    const turn = reader.turn(thread)
    const { most, p99 } = await watch(server, turn)
    return { millis: await turn, delivered: reader.deltas - seen, p99, growth: most - before }
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
  const millis = await takeTurns(world.quick ? 1 : 3, contestants)
  const each = (pick: (run: Run) => number): ReadonlyMap<string, Sample> =>
    new Map([...runs].map(([label, done]) => [label, summarize(done.map(pick))]))
  const beside = (samples: ReadonlyMap<string, Sample>) => withMissing(launched, samples)
  const delivered = { _tag: "Figure", limit: Pieces } as const
  const growth = { _tag: "Figure", limit: 64 } as const
  const what = "deltas that reach a client beside a stopped one"
  return [
    compare({ name: "slow-reader", what, unit: "arrived", target: delivered }, ours, beside(each((r) => r.delivered))),
    compare({ name: "slow-reader-turn", what: "that turn of 100 000 deltas", unit: "ms" }, ours, beside(millis)),
    compare(
      { name: "slow-reader-p99", what: "p99 of requests meanwhile", unit: "ms" },
      ours,
      beside(each((r) => r.p99))
    ),
    compare(
      { name: "slow-reader-memory", what: "memory more at most", unit: "MB", target: growth },
      ours,
      isAvailable ? beside(each((r) => r.growth)) : new Map([[ours, { missing: "needs /proc" }]])
    )
  ]
}
