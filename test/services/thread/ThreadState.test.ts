import { assert, describe, it } from "@effect/vitest"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { fold, foldAll, initial, turnOf } from "../../../src/services/thread/ThreadState.ts"
import { cut, summaryOf, toThread, toTurn } from "../../../src/services/thread/ThreadView.ts"
import {
  agentMessage,
  created,
  entry,
  everyEvent,
  originOf,
  reasoning,
  settings,
  turnEvents,
  usage,
  userMessage
} from "../../../src/testing/ThreadEvents.ts"

const at = 1_700_000_100_250

const foldOf = (first: ReturnType<typeof created>, events: ReadonlyArray<ThreadEvent>) => fold(initial(first), events)

const turnError = { message: "m", codexErrorInfo: "other", additionalDetails: null, misalignment: null } as const

/** A turn with two user messages, items between them, and two answers. */
const items = [
  userMessage("i1", "first"),
  agentMessage("i2", "on it"),
  reasoning("i3"),
  userMessage("i4", "second"),
  agentMessage("i5", "done"),
  reasoning("i6")
]
const busyTurn: ReadonlyArray<ThreadEvent> = [
  { _tag: "TurnStarted", at, turnId: "u", rootTurnId: "r" },
  ...items.map((item): ThreadEvent => ({ _tag: "ItemCompleted", at, turnId: "u", item })),
  { _tag: "TurnEnded", at: at + 2001, turnId: "u", status: "failed", error: turnError }
]

describe("ThreadState", () => {
  describe("the fold", () => {
    it("begins empty, with the facts of its creation", () => {
      assert.deepStrictEqual(initial(created("t")), {
        origin: originOf("t"),
        settings,
        turns: [],
        late: [],
        conversation: [],
        usage: null,
        preview: "",
        name: null,
        archived: false,
        gitInfo: null,
        daybreakEnabled: null,
        section: null,
        attachments: [],
        goal: null,
        queue: [],
        readState: null,
        submissions: [],
        acceptedInput: [],
        openRequests: [],
        lastRequestId: -1,
        answeredCalls: [],
        claim: null,
        mark: null,
        isRecorded: false,
        updatedAt: 1_700_000_000_000,
        recencyAt: 1_700_000_000_000,
        nextSeq: 1
      })
    })

    it("applies every event in order", () => {
      const events = [...turnEvents("u1", at, "hello", "hi"), ...turnEvents("u2", at + 5000, "more", "no")]
      assert.deepStrictEqual<unknown>(foldOf(created("t"), events), {
        ...initial(created("t")),
        turns: [
          {
            seq: 1,
            itemSeqs: [2, 4],
            id: "u1",
            rootTurnId: "u1",
            startedAt: at,
            items: [userMessage("u1-message", "hello"), agentMessage("u1-answer", "hi")],
            status: "completed",
            error: null,
            endedAt: at + 1500,
            conversationStart: 0
          },
          {
            seq: 7,
            itemSeqs: [8, 10],
            id: "u2",
            rootTurnId: "u2",
            startedAt: at + 5000,
            items: [userMessage("u2-message", "more"), agentMessage("u2-answer", "no")],
            status: "completed",
            error: null,
            endedAt: at + 6500,
            conversationStart: 1
          }
        ],
        conversation: ["hello", "more"].map((text) => ({
          type: "message",
          role: "user",
          content: [{ type: "input_text", text }]
        })),
        usage: { turnId: "u2", tokens: usage((at + 5000) % 1000) },
        preview: "hello",
        isRecorded: true,
        recencyAt: at + 5000,
        updatedAt: at + 6500,
        nextSeq: 13
      })
    })

    it("was last changed at the start of its last turn, until that ends", () => {
      const record = foldOf(created("t"), turnEvents("u", at, "a", "b").slice(0, -1))
      assert.strictEqual(record.updatedAt, at)
    })

    it("takes the newest settings", () => {
      const changed = { ...settings, model: "other" }
      const record = foldOf(created("t"), [{ _tag: "SettingsChanged", at, settings: changed }])
      assert.deepStrictEqual(record.settings, changed)
    })

    it("makes the preview from the first message with text", () => {
      const content = [
        { type: "text", text: "look ", text_elements: [] },
        { type: "image", url: "data:," },
        { type: "text", text: "here", text_elements: [] }
      ] as const
      const record = foldOf(created("t"), [
        { _tag: "TurnStarted", at, turnId: "u", rootTurnId: "u" },
        { _tag: "ItemCompleted", at, turnId: "u", item: { ...userMessage("a", ""), content: [] } },
        { _tag: "ItemCompleted", at, turnId: "u", item: { ...userMessage("b", ""), content } },
        { _tag: "ItemCompleted", at, turnId: "u", item: userMessage("c", "later") }
      ])
      assert.strictEqual(record.preview, "look here")
    })

    it("adds a late item to its ended turn", () => {
      const late = reasoning("late")
      const record = foldOf(created("t"), [
        ...turnEvents("u1", at, "a", "b"),
        ...turnEvents("u2", at + 1, "c", "d"),
        { _tag: "ItemCompleted", at, turnId: "u1", item: late }
      ])
      assert.deepStrictEqual(turnOf(record, "u1")?.items.at(-1), late)
      assert.strictEqual(turnOf(record, "u2")?.items.length, 2)
    })

    it("counts events of an unknown turn, and changes nothing else", () => {
      const state = initial(created("t"))
      const events: ReadonlyArray<ThreadEvent> = [
        { _tag: "TurnEnded", at, turnId: "no", status: "completed", error: null },
        { _tag: "ItemCompleted", at, turnId: "no", item: reasoning("i") }
      ]
      assert.deepStrictEqual(fold(state, events), { ...state, nextSeq: 3 })
    })

    it("ends a turn once", () => {
      const [started] = turnEvents("u", at, "a", "b")
      const state = foldOf(created("t"), [
        started!,
        { _tag: "TurnEnded", at, turnId: "u", status: "failed", error: turnError },
        { _tag: "TurnEnded", at: at + 5, turnId: "u", status: "completed", error: null }
      ])
      assert.deepStrictEqual(
        state.turns.map(({ endedAt, error, status }) => ({ endedAt, error, status })),
        [{ endedAt: at, error: turnError, status: "failed" }]
      )
    })

    it("replaces the conversation when it is compacted, and keeps the turns", () => {
      const replacement = [entry(at, "summary").item]
      const state = foldOf(created("t"), [
        ...turnEvents("u", at, "a", "b"),
        { _tag: "Compacted", at, turnId: "u", replacement },
        entry(at, "more")
      ])
      assert.deepStrictEqual(state.conversation, [...replacement, entry(at, "more").item])
      assert.strictEqual(state.turns.length, 1)
    })

    it("rolls turns back with their conversation", () => {
      const first = turnEvents("u1", at, "a", "b")
      const state = foldOf(created("t"), [
        ...first,
        ...turnEvents("u2", at, "c", "d"),
        ...turnEvents("u3", at, "e", "f"),
        { _tag: "RolledBack", at, turns: 2 }
      ])
      const before = foldOf(created("t"), first)
      assert.deepStrictEqual([state.turns, state.conversation], [before.turns, before.conversation])
      assert.deepStrictEqual(fold(state, [{ _tag: "RolledBack", at, turns: 9 }]).turns, [])
    })

    it("keeps requests open until they are closed", () => {
      const opened = { _tag: "RequestOpened", at, turnId: "u", method: "m", params: null } as const
      const state = foldOf(created("t"), [
        { ...opened, requestId: 1 },
        { ...opened, requestId: 2 },
        { _tag: "RequestClosed", at, requestId: 1 }
      ])
      assert.deepStrictEqual(state.openRequests, [{ at, turnId: "u", method: "m", params: null, requestId: 2 }])
    })

    it("has the name and the archive flag", () => {
      const state = foldOf(created("t"), [
        { _tag: "NameSet", at, name: "N" },
        { _tag: "Archived", at }
      ])
      assert.deepStrictEqual([state.name, state.archived], ["N", true])
      assert.deepStrictEqual(
        fold(state, [
          { _tag: "NameSet", at, name: null },
          { _tag: "Unarchived", at }
        ]).archived,
        false
      )
    })

    it("gives the same state for any grouping of the events", () => {
      const events = [...everyEvent(at), ...turnEvents("u9", at, "later", "yes")]
      const whole = foldAll([created("t"), ...events])
      assert.strictEqual(whole?.nextSeq, events.length + 1)
      let state = initial(created("t"))
      for (const event of events) state = fold(state, [event])
      assert.deepStrictEqual(state, whole)
      for (let cut = 0; cut <= events.length; cut++) {
        assert.deepStrictEqual(fold(fold(initial(created("t")), events.slice(0, cut)), events.slice(cut)), whole)
      }
    })

    it("never mutates a returned state", () => {
      let state = initial(created("t"))
      for (const event of [...everyEvent(at), ...turnEvents("u9", at, "later", "yes")]) {
        const before = structuredClone(state)
        const after = fold(state, [event])
        assert.deepStrictEqual(state, before)
        state = after
      }
    })
  })

  describe("a turn in the protocol's form", () => {
    const turn = foldOf(created("t"), busyTurn).turns[0]!
    const common = {
      id: "u",
      rootTurnId: "r",
      status: "failed",
      error: turnError,
      startedAt: 1_700_000_100,
      completedAt: 1_700_000_102,
      durationMs: 2001
    }

    it("has all its items in the full view", () => {
      assert.deepStrictEqual<unknown>(toTurn(turn, "full"), { ...common, items, itemsView: "full" })
    })

    it("has the first message and the last answer in the summary", () => {
      assert.deepStrictEqual<unknown>(toTurn(turn, "summary"), {
        ...common,
        items: [items[0], items[4]],
        itemsView: "summary"
      })
    })

    it("has no items when none are requested", () => {
      assert.deepStrictEqual<unknown>(toTurn(turn, "notLoaded"), { ...common, items: [], itemsView: "notLoaded" })
    })

    it("has a summary without a message or an answer", () => {
      const silent = foldOf(created("t"), [{ _tag: "TurnStarted", at, turnId: "u", rootTurnId: "u" }]).turns[0]!
      assert.deepStrictEqual<unknown>(toTurn(silent, "summary"), {
        id: "u",
        rootTurnId: "u",
        items: [],
        itemsView: "summary",
        status: "inProgress",
        error: null,
        startedAt: 1_700_000_100,
        completedAt: null,
        durationMs: null
      })
    })
  })

  describe("a turn of an unloaded thread", () => {
    it("is interrupted when it has no end", () => {
      const state = foldOf(created("t"), [
        ...turnEvents("u1", at, "a", "b"),
        { _tag: "TurnStarted", at, turnId: "u2", rootTurnId: "u2" },
        { _tag: "TurnStarted", at, turnId: "u3", rootTurnId: "u3" },
        { _tag: "TurnEnded", at, turnId: "u3", status: "failed", error: turnError }
      ])
      assert.deepStrictEqual(
        state.turns.map(cut).map(({ id, status }) => [id, status]),
        [
          ["u1", "completed"],
          ["u2", "interrupted"],
          ["u3", "failed"]
        ]
      )
    })
  })

  describe("a thread in the protocol's form", () => {
    const record = foldOf(created("t", { source: "cli", originator: "me", cwd: "/elsewhere" }), [
      ...turnEvents("u", at, "hello", "hi")
    ])
    const loaded = { environments: settings.environments }
    const expected = {
      id: "t",
      environments: settings.environments,
      extra: null,
      sessionId: "t",
      forkedFromId: null,
      attachedToThreadId: null,
      parentThreadId: null,
      preview: "hello",
      ephemeral: false,
      section: null,
      sectionEnteredAt: null,
      projectId: null,
      historyMode: "paginated",
      modelProvider: "offline",
      model: "offline",
      reasoningEffort: null,
      createdAt: 1_700_000_000,
      updatedAt: 1_700_000_101,
      recencyAt: 1_700_000_100,
      status: { type: "idle" },
      path: null,
      cwd: "/w",
      cliVersion: "0.1.0",
      originator: "me",
      source: "cli",
      canAcceptDirectInput: true,
      threadSource: null,
      agentNickname: null,
      agentRole: null,
      gitInfo: null,
      name: null,
      daybreakEnabled: null,
      turns: []
    }

    it("has every member of the protocol, with the settings it has now and without turns", () => {
      assert.deepStrictEqual<unknown>(toThread(summaryOf(record), { type: "idle" }, loaded), expected)
    })

    it("has no environments and accepts no input while it is not loaded", () => {
      assert.deepStrictEqual<unknown>(toThread(summaryOf(record), { type: "notLoaded" }, null), {
        ...expected,
        environments: null,
        canAcceptDirectInput: null,
        status: { type: "notLoaded" }
      })
    })

    it("has the given turns", () => {
      const turns = record.turns.map((turn) => toTurn(turn, "full"))
      assert.deepStrictEqual<unknown>(toThread(summaryOf(record), { type: "idle" }, loaded, turns), {
        ...expected,
        turns
      })
    })
  })
})
