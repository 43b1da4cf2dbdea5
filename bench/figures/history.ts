/**
 * A home with 10 000 rollouts that another program wrote, and a thread of 10 000 turns: the first start, lists, searches,
 * resume, and a page of turns. Every answer is checked.
 */
import { deepStrictEqual } from "node:assert/strict"
import { performance } from "node:perf_hooks"
import { setTimeout } from "node:timers/promises"
import { compare, type Figure, isMissing, type Missing } from "../figure.ts"
import { isAvailable, residentMegabytes } from "../proc.ts"
import { fill, long, messageOf, threadId, Threads, turnId, Turns, wordOf } from "../rollouts.ts"
import { type Contestant, summarize, takeTurns } from "../sample.ts"
import { type Launch, Server, using } from "../server.ts"
import { codex, type Folders, folders, spindle, type World } from "../world.ts"
import { compareServers, ours, withMissing } from "./servers.ts"

const Page = 25

const starters = new Map([
  [ours, spindle],
  ["codex", codex]
])

interface Listed {
  readonly data: ReadonlyArray<{ readonly id: string }>
  readonly nextCursor: string | null
}

const ids = (answer: unknown): ReadonlyArray<string> => (answer as Listed).data.map(({ id }) => id)

/** The time of a request, after its answer was checked. */
const timed = async (server: Server, method: string, params: unknown, check: (answer: unknown) => void) => {
  const from = performance.now()
  const answer = await server.request(method, params)
  const millis = performance.now() - from
  try {
    check(answer)
  } catch (error) {
    throw new Error(`wrong answer to ${method} ${JSON.stringify(params)} `, { cause: error })
  }
  return millis
}

const newest = Array.from({ length: Page }, (_, index) => threadId(Threads - 1 - index))

type Measure = (server: Server) => Promise<number>

let next = 0
/** Another thread each time. */
const another = (): number => (next = (next + 7919) % Threads)

const list =
  (sortKey: string): Measure =>
  (server) =>
    timed(server, "thread/list", { limit: Page, sortKey }, (answer) => deepStrictEqual(ids(answer), newest))

const searchTerm: Measure = (server) => {
  const index = another()
  return timed(server, "thread/list", { limit: Page, searchTerm: messageOf(index).slice(7, 35) }, (answer) =>
    deepStrictEqual(ids(answer), [threadId(index)])
  )
}

const search: Measure = (server) => {
  const index = another()
  return timed(server, "thread/search", { limit: Page, searchTerm: wordOf(index).toUpperCase() }, (answer) => {
    const { data } = answer as { readonly data: ReadonlyArray<{ readonly thread: { readonly id: string } }> }
    deepStrictEqual(
      data.map(({ thread }) => thread.id),
      [threadId(index)]
    )
  })
}

const resume: Measure = (server) => {
  const id = threadId(another())
  return timed(server, "thread/resume", { threadId: id }, (answer) =>
    deepStrictEqual((answer as { readonly thread: { readonly id: string } }).thread.id, id)
  )
}

/** Pages of the long thread, one after another. */
const turnsPage = (): Measure => {
  const cursors = new Map<Server, { readonly cursor: string | null; readonly first: number }>()
  return async (server) => {
    const { cursor, first } = cursors.get(server) ?? { cursor: null, first: 0 }
    const params = { threadId: long, limit: Page, cursor, sortDirection: "asc", itemsView: "full" }
    return timed(server, "thread/turns/list", params, (answer) => {
      deepStrictEqual(
        ids(answer),
        Array.from({ length: Page }, (_, index) => turnId(first + index))
      )
      const { nextCursor } = answer as Listed
      cursors.set(server, { cursor: nextCursor, first: first + Page < Turns ? first + Page : 0 })
    })
  }
}

const firstStart = (launch: Launch): Promise<number> => {
  const from = performance.now()
  return using(launch, async (server) => {
    await server.initialize()
    return performance.now() - from
  })
}

/** Waits until answers come from what the servers have stored about the files. */
const settled = async (server: Server): Promise<void> => {
  for (let fast = 0, tries = 0; fast < 3 && tries < 300; tries++) {
    fast = (await search(server)) < 25 ? fast + 1 : 0
    await setTimeout(200)
  }
}

const rows: ReadonlyArray<{ name: string; what: string; limit?: number; rounds: number; measure: () => Measure }> = [
  {
    name: "history-list",
    what: "thread/list of 10 000, warm",
    limit: 0.15,
    rounds: 15,
    measure: () => list("created_at")
  },
  { name: "history-list-updated", what: "the same by last change", rounds: 11, measure: () => list("updated_at") },
  {
    name: "history-search-term",
    what: "thread/list with searchTerm",
    limit: 0.02,
    rounds: 5,
    measure: () => searchTerm
  },
  { name: "history-search", what: "thread/search", limit: 0.1, rounds: 11, measure: () => search },
  { name: "history-resume", what: "thread/resume of a cold thread", limit: 0.3, rounds: 11, measure: () => resume }
]

/** How each is started in a new home. A server that has used a home while it was empty does not look for older files. */
const withHomes = async (world: World) => {
  const made = new Map<string, Launch | Missing>()
  const homes = new Map<string, Folders>()
  for (const [name, starter] of starters) {
    const used = await folders(world)
    const before = starter(world, used)
    // Compiled code is no part of the first start.
    if (!isMissing(before)) for (let start = 0; start < 2; start++) await firstStart(before)
    const places = { home: await world.home(), temporary: used.temporary }
    homes.set(name, places)
    made.set(name, starter(world, places))
  }
  return { made, homes }
}

/** First starts, each in a new home. */
const firstStarts = async (world: World, homes: ReadonlyMap<string, Folders>) => {
  const contestants = new Map<string, Contestant>()
  for (const [name, starter] of starters) {
    contestants.set(name, async () => {
      const home = await world.home()
      await fill(home, world.work)
      const launch = starter(world, { home, temporary: homes.get(name)?.temporary ?? "" })
      return isMissing(launch) ? [] : firstStart(launch)
    })
  }
  return takeTurns(world.quick ? 1 : 3, contestants)
}

export const history = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const { homes, made } = await withHomes(world)
  const unit = "ms"
  const figures: Array<Figure> = []
  const add = (name: string, what: string, limit: number | undefined, samples: Parameters<typeof withMissing>[1]) => {
    const target = limit === undefined ? {} : { target: { _tag: "OfPeer", peer: "codex", limit } as const }
    figures.push(compare({ name, what, unit, ...target }, ours, withMissing(made, samples)))
  }
  add("history-first-start", "first start with 10 000 rollouts", 0.02, await firstStarts(world, homes))
  for (const { home } of homes.values()) await fill(home, world.work)
  const servers = new Map<string, Server>()
  try {
    for (const [name, launch] of made) {
      if (isMissing(launch)) continue
      const server = new Server(launch)
      servers.set(name, server)
      await server.initialize()
      if (name === ours) await settled(server)
    }
    for (const { limit, measure, name, rounds, what } of rows) {
      const turns = { warm: 2, measured: world.quick ? Math.min(rounds, 5) : rounds }
      add(name, what, limit, await compareServers(servers, turns, measure()))
    }
    // The released server shows the turns of a foreign thread only once it was resumed.
    await servers.get("codex")?.request("thread/resume", { threadId: long, excludeTurns: true })
    const measure = turnsPage()
    const page = await compareServers(servers, { warm: 2, measured: world.quick ? 5 : 25 }, measure)
    const target = { _tag: "Figure", limit: 5 } as const
    const what = "a page of 25 turns of 10 000"
    figures.push(compare({ name: "history-turns", what, unit, target }, ours, withMissing(made, page)))
    if (isAvailable) figures.push(resident(servers))
    return figures
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}

const resident = (servers: ReadonlyMap<string, Server>): Figure => {
  const samples = new Map([...servers].map(([name, { pid }]) => [name, summarize([residentMegabytes(pid)])]))
  const target = { _tag: "OfPeer", peer: "codex", limit: 1 } as const
  return compare({ name: "history-memory", what: "memory after all of that", unit: "MB", target }, ours, samples)
}
