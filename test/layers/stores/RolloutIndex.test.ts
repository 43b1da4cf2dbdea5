import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Memory from "../../../src/layers/stores/Memory.ts"
import * as ThreadCursor from "../../../src/services/thread/ThreadCursor.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { everyThread, type ThreadPageRequest, type ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { agentMessage, created, turnEvents, userMessage } from "../../../src/testing/ThreadEvents.ts"
import { home, open } from "./Homes.ts"

type Opened = ThreadStore["Service"]

const at = 1_700_000_000_000

/** Texts with repetitions, and with characters whose upper and lower case are special. */
const words = [
  "a",
  "ab",
  "abc",
  "ABCABC",
  "abcabd",
  "Äöü ß",
  "İstanbul",
  "ΟΔΟΣ",
  "ΟΔΟΣΑ",
  'q"u*o',
  "🦀ab",
  "x\u0001y",
  "\0n"
]

const Action = Schema.Struct({
  thread: Schema.Literals(["t1", "t2", "t3", "t4"]),
  kind: Schema.Literals([
    "turn",
    "turn",
    "turn",
    "item",
    "rollback",
    "name",
    "archive",
    "unarchive",
    "section",
    "command"
  ]),
  text: Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
  other: Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
})
type Action = typeof Action.Type

const command = (id: string, text: string, output: string): ThreadEvent & { readonly _tag: "ItemCompleted" } => ({
  _tag: "ItemCompleted",
  at,
  turnId: "",
  item: {
    type: "commandExecution",
    id,
    command: text,
    pluginId: null,
    scriptPath: null,
    cwd: "/w",
    processId: null,
    source: "agent",
    status: "completed",
    commandActions: [],
    aggregatedOutput: output,
    exitCode: 0,
    durationMs: 1
  }
})

const eventsOf = ({ kind, other, text }: Action, index: number, lastTurn: string): ReadonlyArray<ThreadEvent> => {
  const time = at + ((index * 7919) % 13) * 1000
  const [one = "", two = ""] = [words[text], words[other]]
  switch (kind) {
    case "turn":
      return turnEvents(`u${index}`, time, one, `${two} ${one}`)
    case "item":
      return [{ _tag: "ItemCompleted", at: time, turnId: lastTurn, item: agentMessage(`i${index}`, one + two) }]
    case "command":
      return [{ ...command(`i${index}`, one, two), at: time, turnId: lastTurn }]
    case "rollback":
      return [{ _tag: "RolledBack", at: time, turns: text % 3 }]
    case "name":
      return [{ _tag: "NameSet", at: time + index, name: `${two} name` }]
    case "archive":
      return [{ _tag: "Archived", at: time }]
    case "unarchive":
      return [{ _tag: "Unarchived", at: time }]
    case "section":
      return [{ _tag: "SectionSet", at: time, section: text === 0 ? null : { id: `s${text % 2}`, position: other } }]
  }
}

const origins: Readonly<Record<string, ThreadEvent>> = {
  t1: created("t1", { createdAt: 1_700_000_003, source: "cli" }, { cwd: "/a", modelProvider: "p" }),
  t2: created("t2", { createdAt: 1_700_000_003, source: { subAgent: "review" } }, { cwd: "/b", modelProvider: "p" }),
  t3: created("t3", { createdAt: 1_700_000_001, source: { custom: "c" } }, { cwd: "/a", modelProvider: "q" }),
  t4: created("t4", { createdAt: 1_700_000_002 }, { cwd: "/c", modelProvider: "r" })
}

/** Applies an action to both stores. */
const both = (stores: ReadonlyArray<Opened>, lengths: Map<string, number>, turns: Map<string, string>) =>
  Effect.fnUntraced(function* (action: Action, index: number) {
    const { thread } = action
    const known = lengths.get(thread) ?? 0
    const first = known === 0 ? [origins[thread]].filter((event) => event !== undefined) : []
    const events = [...first, ...eventsOf(action, index, turns.get(thread) ?? "none")]
    for (const store of stores) yield* store.append(thread, known, events)
    lengths.set(thread, known + events.length)
    if (action.kind === "turn") turns.set(thread, `u${index}`)
  })

const filters: ReadonlyArray<Partial<ThreadPageRequest["filter"]>> = [
  {},
  { archived: false },
  { archived: true },
  { sourceKinds: ["cli", "subAgentOther"] },
  { modelProviders: ["p", "r"] },
  { cwds: ["/a"] },
  { cwds: [] },
  { excludedIds: ["t1"] },
  { section: { anyOf: ["s0"] } },
  { section: { noneOf: ["s1"] } },
  ...words.map((text) => ({ text })),
  { text: "" }
]

const sortKeys = ["created_at", "updated_at", "recency_at", "section_position"] as const

function* requests(): Generator<ThreadPageRequest> {
  let index = 0
  for (const changed of filters) {
    const sortKey = sortKeys[index % 4] ?? "created_at"
    const sortDirection = index % 3 === 0 ? "asc" : "desc"
    yield { filter: { ...everyThread, ...changed }, cursor: null, limit: 1 + (index++ % 3), sortKey, sortDirection }
  }
}

/** All pages of a query, forward and then one back. */
const pages = <A extends { readonly nextCursor: string | null; readonly backwardsCursor: string | null }, E>(
  request: ThreadPageRequest,
  query: (request: ThreadPageRequest) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const kind = ThreadCursor.kindOf(request.sortKey)
    const found: Array<A> = []
    for (let next: string | null | undefined; next !== null;) {
      const cursor = next === undefined ? null : (ThreadCursor.parse(next, kind) ?? null)
      const page = yield* query({ ...request, cursor })
      found.push(page)
      next = page.nextCursor
      if (page.backwardsCursor === null) continue
      const sortDirection = request.sortDirection === "asc" ? "desc" : "asc"
      const back = ThreadCursor.parse(page.backwardsCursor, kind) ?? null
      found.push(yield* query({ ...request, sortDirection, cursor: back }))
    }
    return found
  })

const compared = Effect.fnUntraced(function* (store: Opened, model: Opened) {
  for (const request of requests()) {
    const [found, expected] = [yield* pages(request, store.list), yield* pages(request, model.list)]
    assert.deepStrictEqual(found, expected, JSON.stringify(request))
  }
  for (const text of [...words, "bca", "cab", "y", "n", "z", "zzz", "abcabcabc", "\ud83e", "δοσ", ""]) {
    const base = { filter: everyThread, cursor: null, limit: 2, sortDirection: "desc", sortKey: "updated_at" } as const
    const [found, expected] = [
      yield* pages(base, (request) => store.search({ ...request, text })),
      yield* pages(base, (request) => model.search({ ...request, text }))
    ]
    assert.deepStrictEqual(found, expected, JSON.stringify(text))
  }
})

describe("the index of rollouts", () => {
  it.effect.prop(
    "answers lists and searches as the model does, after any actions and in another process",
    [Schema.Array(Action).check(Schema.isMaxLength(24))],
    ([actions]) =>
      Effect.gen(function* () {
        const path = yield* home
        const [store, model] = [yield* open(path), yield* Memory.make]
        const act = both([store, model], new Map(), new Map())
        for (const [index, action] of actions.entries()) {
          yield* act(action, index)
          if (index % 8 === 5) yield* compared(store, model)
        }
        yield* compared(store, model)
        // A second process on the same home, which uses the index of the first one.
        yield* compared(yield* open(path), model)
      }).pipe(Effect.scoped),
    { timeout: 120_000, arbitrary: { runs: 40 } }
  )

  it.effect("finds a message of the user in any case, with the text around it", () =>
    Effect.gen(function* () {
      const store = yield* open(yield* home)
      yield* store.append("t", 0, [
        created("t"),
        { _tag: "TurnStarted", at, turnId: "u", rootTurnId: "u" },
        { _tag: "ItemCompleted", at, turnId: "u", item: userMessage("m", "Where is the NEEDLE?") }
      ])
      const request = {
        filter: everyThread,
        cursor: null,
        limit: 9,
        sortKey: "updated_at",
        sortDirection: "desc"
      } as const
      const { matches } = yield* store.search({ ...request, text: "needle" })
      assert.deepStrictEqual(
        matches.map(({ snippet, thread }) => [thread.origin.id, snippet]),
        [["t", "Where is the NEEDLE?"]]
      )
    }).pipe(Effect.scoped)
  )
})
