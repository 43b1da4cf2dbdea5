/**
 * From the start of the program to the response to initialize, and to the response to the next request.
 */
import { performance } from "node:perf_hooks"
import { compare, type Figure, isMissing, type Missing, type Result } from "../figure.ts"
import { type Contestant, takeTurns } from "../sample.ts"
import { type Launch, lifetime, using } from "../server.ts"
import { codex, codexCommand, type Folders, folders, node, spindle, type World } from "../world.ts"

const ours = "ours"

/** The minimum for a server in JavaScript. */
const answerOneLine = `process.stdin.once("data", () => process.stdout.write('{"id":1,"result":{}}\\n'))`

type Starter = (world: World, folders: Folders) => Launch | Missing

/** `codex` is the command that npm installs and clients start; it starts the binary. */
const servers: ReadonlyMap<string, Starter> = new Map<string, Starter>([
  [ours, spindle],
  ["codex", codexCommand],
  ["codex, its binary alone", codex]
])

const untilInitialized = (launch: Launch): Promise<number> => {
  const from = performance.now()
  return using(launch, async (server) => {
    await server.initialize()
    return performance.now() - from
  })
}

/** The same, with another request after the response: `initialize` is answered before the whole server is loaded. */
const untilServed = (launch: Launch): Promise<number> => {
  const from = performance.now()
  return using(launch, async (server) => {
    await server.initialize()
    await server.request("thread/loaded/list", {})
    return performance.now() - from
  })
}

/** The time of Node alone. */
const bare = async (world: World): Promise<ReadonlyMap<string, Contestant>> => {
  const places = await folders(world)
  const echo = node(world, places, "-e", answerOneLine)
  return new Map([
    ["node, answering one line", () => untilInitialized(echo)],
    ["node -e 0, to its end", () => lifetime(node(world, places, "-e", "0"))]
  ])
}

const rounds = (world: World): number => (world.quick ? 5 : 21)

/** Every start uses folders from `place`. */
const measure = async (
  world: World,
  place: (name: string) => Promise<Folders>,
  beside: ReadonlyMap<string, Contestant>,
  until: (launch: Launch) => Promise<number> = untilInitialized
): Promise<ReadonlyMap<string, Result>> => {
  const contestants = new Map<string, Contestant>()
  const missing = new Map<string, Missing>()
  for (const [name, start] of servers) {
    const possible = start(world, await place(name))
    if (isMissing(possible)) missing.set(name, possible)
    else {
      contestants.set(name, async () => {
        const launch = start(world, await place(name))
        return isMissing(launch) ? [] : until(launch)
      })
    }
  }
  const measured = await takeTurns(rounds(world), new Map([...contestants, ...beside]))
  return new Map<string, Result>([...measured, ...missing])
}

export const start = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const unit = "ms"
  const target = { _tag: "OfPeer", peer: "codex", limit: 0.8 } as const
  const used = new Map<string, Folders>()
  const usedFolders = async (name: string): Promise<Folders> => {
    const there = used.get(name)
    if (there !== undefined) return there
    const places = await folders(world)
    used.set(name, places)
    const launch = servers.get(name)?.(world, places)
    // A first start creates databases in the home, and compiled code among the temporary files.
    if (launch !== undefined && !isMissing(launch)) for (let n = 0; n < 3; n++) await untilInitialized(launch)
    return places
  }
  const freshHome = async (name: string): Promise<Folders> => ({
    home: await world.home(),
    temporary: (await usedFolders(name)).temporary
  })
  const warm = await measure(world, usedFolders, await bare(world))
  const served = await measure(world, usedFolders, new Map(), untilServed)
  const fresh = await measure(world, freshHome, new Map())
  const first = await measure(world, () => folders(world), new Map())
  return [
    compare({ name: "start", what: "spawn to initialize response", unit, target }, ours, warm),
    compare({ name: "start-next", what: "spawn to the response of the next request", unit }, ours, served),
    compare({ name: "start-fresh-home", what: "the same in a new home", unit, target }, ours, fresh),
    compare({ name: "start-first", what: "the very first start, without compiled code", unit }, ours, first)
  ]
}
