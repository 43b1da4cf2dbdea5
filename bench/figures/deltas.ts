/**
 * A long response over stdio: deltas per second that reach the client, from `turn/start` to `turn/completed`.
 */
import * as Path from "node:path"
import { performance } from "node:perf_hooks"
import { compare, type Figure } from "../figure.ts"
import { Server } from "../server.ts"
import { folders, node, root, type World } from "../world.ts"
import { compareServers, launches, ours, withMissing, withServers } from "./servers.ts"

const Deltas = 5000

const raw = "node, prepared lines"

/** No delta may be lost: they are the text of the response. */
const allOf = (name: string, server: Server, before: number): void => {
  const arrived = server.deltas - before
  if (arrived !== Deltas) throw new Error(`${arrived} of ${Deltas} deltas arrived from ${name}`)
}

export const deltas = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world, Deltas)
  const lines = new Server(
    node(world, await folders(world), Path.join(root, "bench", "children", "lines.ts"), String(Deltas))
  )
  try {
    const measureRaw = async (): Promise<number> => {
      const before = lines.deltas
      const from = performance.now()
      await lines.request("write", {})
      const millis = performance.now() - from
      allOf(raw, lines, before)
      return (Deltas * 1000) / millis
    }
    const samples = await withServers(launched, (servers) =>
      compareServers(
        servers,
        { warm: 3, measured: world.quick ? 4 : 15 },
        async (server, name) => {
          const thread = await server.startThread(world.work)
          const before = server.deltas
          const millis = await server.turn(thread)
          allOf(name, server, before)
          return (Deltas * 1000) / millis
        },
        new Map([[raw, measureRaw]])
      )
    )
    const target = { _tag: "Figure", limit: 100_000 } as const
    const what = "deltas of a 5 000-delta turn over stdio"
    return [compare({ name: "deltas", what, unit: "/s", target }, ours, withMissing(launched, samples))]
  } finally {
    await lines.stop()
  }
}
