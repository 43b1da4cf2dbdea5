/**
 * A turn in which the model changes a file with a patch of 1 000 hunks, written as a command, with a model without latency.
 */
import { mkdtemp, readFile, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { changedLines, patchedLines } from "../children/patch.ts"
import { compare, type Figure } from "../figure.ts"
import type { Server } from "../server.ts"
import type { World } from "../world.ts"
import { compareServers, launches, ours, withMissing, withServers } from "./servers.ts"

const target = { _tag: "Figure", limit: 100 } as const

export const patch = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world, "patch")
  const [before, after] = [patchedLines.join(""), changedLines.join("")]
  const measure = async (server: Server): Promise<number> => {
    const cwd = await mkdtemp(Path.join(world.work, "patch-"))
    const file = Path.join(cwd, "lines.txt")
    await writeFile(file, before)
    const free = { cwd, approvalPolicy: "never", sandbox: "danger-full-access" }
    const { thread } = (await server.request("thread/start", free)) as { readonly thread: { readonly id: string } }
    const millis = await server.turn(thread.id)
    if ((await readFile(file, "utf8")) !== after) throw new Error("the patch was not applied")
    return millis
  }
  const samples = await withServers(launched, (servers) =>
    compareServers(servers, { warm: 2, measured: world.quick ? 4 : 20 }, measure)
  )
  const what = "turn with a patch of 1 000 hunks, p50"
  return [compare({ name: "patch", what, unit: "ms", target }, ours, withMissing(launched, samples))]
}
