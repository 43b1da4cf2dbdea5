/**
 * A request and its response within the process: through Spindle's typed client and its sender, compared with one hop
 * through Effect's queue, effect/rpc and the MCP SDK.
 *
 * Each contestant has its own process, so that none runs code that was compiled for another.
 */
import { compare, type Figure, type Missing, type Result } from "../figure.ts"
import * as Peers from "../peers.ts"
import { takeTurns } from "../sample.ts"
import { Contestant } from "../contestant.ts"
import type { World } from "../world.ts"

const hop = "bare Effect hop"

/** In the order of the table: label and module. */
const modules = new Map([
  ["client", "client"],
  ["sender", "sender"],
  [hop, "hop"],
  ["effect/rpc", "rpc"],
  ["MCP SDK", "mcp"]
])

const argumentOf = async (world: World, module: string): Promise<string | Missing> => {
  if (module === "mcp") return Peers.install(world.cache, "@modelcontextprotocol/sdk")
  return module === "client" || module === "sender" ? world.home() : ""
}

const measureAll = async (world: World, inFlight: number, toFigure: (microsPerCall: number) => number) => {
  const contestants = new Map<string, Contestant>()
  const missing = new Map<string, Result>()
  const calls = world.quick ? 10_000 : 40_000
  try {
    for (const [label, module] of modules) {
      const argument = await argumentOf(world, module)
      if (typeof argument === "string") contestants.set(label, await Contestant.start(module, argument))
      else missing.set(label, argument)
    }
    const runs = [...contestants].map(
      ([label, contestant]) =>
        [label, async () => toFigure(((await contestant.run(calls, inFlight)).millis * 1000) / calls)] as const
    )
    await takeTurns(2, new Map(runs))
    const measured = await takeTurns(world.quick ? 5 : 15, new Map(runs))
    const results = [...modules.keys()].map((label): [string, Result] => {
      const result = measured.get(label) ?? missing.get(label) ?? { missing: "not measured" }
      return [label, result]
    })
    return new Map(results)
  } finally {
    for (const contestant of contestants.values()) contestant.stop()
  }
}

/** The peers of the sender: all except the client. */
const without = (results: ReadonlyMap<string, Result>, label: string) =>
  new Map([...results].filter(([name]) => name !== label))

const besideHop = (results: ReadonlyMap<string, Result>) =>
  new Map([...results].filter(([name]) => name === "sender" || name === hop))

export const sequential = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const results = await measureAll(world, 1, (micros) => micros)
  const unit = "us"
  const target = { _tag: "OfPeer", peer: hop, limit: 1.5 } as const
  return [
    compare(
      { name: "request-sequential", what: "in-process request, sequential", unit, target },
      "client",
      without(results, "sender")
    ),
    compare(
      { name: "request-sequential-sender", what: "the same through the sender", unit, target },
      "sender",
      besideHop(results)
    )
  ]
}

export const concurrent = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const results = await measureAll(world, 64, (micros) => 1e6 / micros)
  const unit = "/s"
  const target = { _tag: "Figure", limit: 300_000 } as const
  return [
    compare(
      { name: "request-concurrent", what: "in-process request, 64 in flight", unit, target },
      "client",
      without(results, "sender")
    ),
    compare(
      { name: "request-concurrent-sender", what: "the same through the sender", unit, target },
      "sender",
      besideHop(results)
    )
  ]
}
