/**
 * Turns that run commands, over stdio, with a model without latency: the server's overhead for each command, and for output.
 */
import { writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { performance } from "node:perf_hooks"
import { setTimeout } from "node:timers/promises"
import { compare, type Figure, isMissing } from "../figure.ts"
import { cpuMillis, isAvailable, residentMegabytes } from "../proc.ts"
import { type Contestant, summarize, takeTurns } from "../sample.ts"
import { type Launch, type Server, using } from "../server.ts"
import type { World } from "../world.ts"
import { compareServers, launches, ours, withMissing, withServers } from "./servers.ts"

const codex = "codex"

/** Commands of one turn. */
const Calls = 20

/** Bytes that one command prints. */
const OutputSize = 50_000_000

const Threads = 50

/** How often the memory is read during a turn, and how long the work after one may take, in milliseconds. */
const Pause = 10
const Settle = 1000

export const toolTurn = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world, `calls-${Calls}`)
  const turns = world.quick ? 2 : 5
  const cpu = new Map<string, Array<number>>()
  const measure = async (server: Server, name: string): Promise<ReadonlyArray<number>> => {
    const thread = await server.startThread(world.work)
    await server.turn(thread)
    const before = isAvailable ? cpuMillis(server.pid) : 0
    const millis: Array<number> = []
    for (let made = 0; made < turns; made++) millis.push(await server.turn(thread))
    if (isAvailable) cpu.set(name, [...(cpu.get(name) ?? []), (cpuMillis(server.pid) - before) / turns])
    return millis
  }
  const samples = await withServers(launched, (servers) =>
    compareServers(servers, { warm: 1, measured: world.quick ? 2 : 6 }, measure)
  )
  const used = new Map([...cpu].map(([name, [, ...measured]]) => [name, summarize(measured)]))
  const target = { _tag: "OfPeer", peer: codex, limit: 0.2 } as const
  const what = `turn with ${Calls} instant commands, p50`
  return [
    compare({ name: "tool-turn", what, unit: "ms", target }, ours, withMissing(launched, samples)),
    compare({ name: "tool-turn-cpu", what: "its CPU", unit: "ms", target }, ours, withMissing(launched, used))
  ]
}

export const toolThreads = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world, "calls-1")
  const turns = world.quick ? 1 : 3
  const measure = async (server: Server): Promise<number> => {
    const threads: Array<string> = []
    for (let started = 0; started < Threads; started++) threads.push(await server.startThread(world.work))
    const runTurns = async (thread: string): Promise<void> => {
      for (let made = 0; made < turns; made++) await server.turn(thread)
    }
    const from = performance.now()
    await Promise.all(threads.map(runTurns))
    return (Threads * turns * 1000) / (performance.now() - from)
  }
  const samples = await withServers(launched, (servers) =>
    compareServers(servers, { warm: 1, measured: world.quick ? 1 : 4 }, measure)
  )
  const target = { _tag: "OfPeer", peer: codex, limit: 20 } as const
  const what = "turns of 50 concurrent threads with a command each"
  return [compare({ name: "tool-threads", what, unit: "/s", target }, ours, withMissing(launched, samples))]
}

/** Runs a turn. Returns the highest resident memory in it. */
const peakOf = async (server: Server, turn: Promise<number>): Promise<number> => {
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, residentMegabytes(server.pid))
  }, Pause)
  await turn.finally(() => clearInterval(timer))
  return peak
}

export const toolOutput = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const line = `${"a line of output ".repeat(4)}\n`
  await writeFile(
    Path.join(world.work, "output.txt"),
    line.repeat(Math.ceil(OutputSize / line.length)).slice(0, OutputSize)
  )
  const launched = await launches(world, "output")
  const growth = new Map<string, Array<number>>()
  const measure = async (server: Server, name: string): Promise<number> => {
    const thread = await server.startThread(world.work)
    if (!isAvailable) return OutputSize / 1000 / (await server.turn(thread))
    const before = residentMegabytes(server.pid)
    const running = server.turn(thread)
    const peak = await peakOf(server, running)
    growth.set(name, [...(growth.get(name) ?? []), peak - before])
    return OutputSize / 1000 / (await running)
  }
  const samples = await withServers(launched, (servers) =>
    compareServers(servers, { warm: 1, measured: world.quick ? 2 : 6 }, measure)
  )
  // The first turn is the one that lets the memory of a server grow.
  const grown = new Map([...growth].map(([name, [first = Number.NaN]]) => [name, summarize([first])]))
  const speed = { _tag: "Figure", limit: 100 } as const
  const memory = { _tag: "Figure", limit: 32 } as const
  return [
    compare(
      { name: "tool-output", what: "a turn with a command that prints 50 MB", unit: "MB/s", target: speed },
      ours,
      withMissing(launched, samples)
    ),
    compare(
      { name: "tool-output-memory", what: "memory that the first such turn adds", unit: "MB", target: memory },
      ours,
      withMissing(launched, grown)
    )
  ]
}

export const toolMemory = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const what = "memory after a turn with a command"
  const unit = "MB"
  if (!isAvailable) return [{ name: "tool-memory", what, unit, ours: { missing: "needs /proc" }, peers: new Map() }]
  const launched = await launches(world, "calls-1")
  const measure = (launch: Launch) =>
    using(launch, async (server) => {
      await server.initialize()
      await server.turn(await server.startThread(world.work))
      await setTimeout(Settle)
      return residentMegabytes(server.pid)
    })
  const contestants = new Map<string, Contestant>()
  for (const [name, launch] of launched) if (!isMissing(launch)) contestants.set(name, () => measure(launch))
  // The first round creates databases and compiled code.
  await takeTurns(1, contestants)
  const samples = await takeTurns(world.quick ? 2 : 5, contestants)
  const target = { _tag: "OfPeer", peer: codex, limit: 0.7 } as const
  return [compare({ name: "tool-memory", what, unit, target }, ours, withMissing(launched, samples))]
}
