import { assert, describe, it } from "@effect/vitest"
import {
  apply,
  create,
  settleStaleTurns,
  type ThreadEvent,
  toThread,
  toTurn,
  turnOf
} from "../../../src/services/thread/ThreadRecord.ts"
import {
  agentMessage,
  created,
  fold,
  originOf,
  reasoning,
  settings,
  turnEvents,
  usage,
  userMessage
} from "../../support/Records.ts"

const at = 1_700_000_100_250

const turnError = { message: "m", codexErrorInfo: "other", additionalDetails: null, misalignment: null } as const

/** A turn with two user messages, work between them, and two answers. */
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

describe("ThreadRecord", () => {
  describe("the fold", () => {
    it("begins empty, with what was created", () => {
      assert.deepStrictEqual(create(created("t")), {
        origin: originOf("t"),
        settings,
        turns: [],
        conversation: [],
        usage: null,
        preview: "",
        name: null,
        updatedAt: 1_700_000_000_000
      })
    })

    it("puts everything where it belongs, in order", () => {
      const events = [...turnEvents("u1", at, "hello", "hi"), ...turnEvents("u2", at + 5000, "more", "no")]
      assert.deepStrictEqual<unknown>(fold(created("t"), events), {
        ...create(created("t")),
        turns: [
          {
            id: "u1",
            rootTurnId: "u1",
            startedAt: at,
            items: [userMessage("u1-said", "hello"), agentMessage("u1-answered", "hi")],
            status: "completed",
            error: null,
            endedAt: at + 1500
          },
          {
            id: "u2",
            rootTurnId: "u2",
            startedAt: at + 5000,
            items: [userMessage("u2-said", "more"), agentMessage("u2-answered", "no")],
            status: "completed",
            error: null,
            endedAt: at + 6500
          }
        ],
        conversation: ["hello", "more"].map((text) => ({
          type: "message",
          role: "user",
          content: [{ type: "input_text", text }]
        })),
        usage: { turnId: "u2", tokens: usage(at + 5000) },
        preview: "hello",
        updatedAt: at + 6500
      })
    })

    it("was changed last when its last turn began, until that ends", () => {
      const record = fold(created("t"), turnEvents("u", at, "a", "b").slice(0, -1))
      assert.strictEqual(record.updatedAt, at)
    })

    it("takes the newest settings", () => {
      const changed = { ...settings, model: "other" }
      const record = fold(created("t"), [{ _tag: "SettingsChanged", at, settings: changed }])
      assert.deepStrictEqual(record.settings, changed)
    })

    it("makes the preview of the texts of the first message that has any", () => {
      const content = [
        { type: "text", text: "look ", text_elements: [] },
        { type: "image", url: "data:," },
        { type: "text", text: "here", text_elements: [] }
      ] as const
      const record = fold(created("t"), [
        { _tag: "TurnStarted", at, turnId: "u", rootTurnId: "u" },
        { _tag: "ItemCompleted", at, turnId: "u", item: { ...userMessage("a", ""), content: [] } },
        { _tag: "ItemCompleted", at, turnId: "u", item: { ...userMessage("b", ""), content } },
        { _tag: "ItemCompleted", at, turnId: "u", item: userMessage("c", "later") }
      ])
      assert.strictEqual(record.preview, "look here")
    })

    it("puts an item of a turn that is over into that turn", () => {
      const late = reasoning("late")
      const record = fold(created("t"), [
        ...turnEvents("u1", at, "a", "b"),
        ...turnEvents("u2", at + 1, "c", "d"),
        { _tag: "ItemCompleted", at, turnId: "u1", item: late }
      ])
      assert.deepStrictEqual(turnOf(record, "u1")?.items.at(-1), late)
      assert.strictEqual(turnOf(record, "u2")?.items.length, 2)
    })

    it("passes over what speaks of a turn it does not know", () => {
      const record = create(created("t"))
      apply(record, { _tag: "TurnEnded", at, turnId: "no", status: "completed", error: null })
      apply(record, { _tag: "ItemCompleted", at, turnId: "no", item: reasoning("i") })
      assert.deepStrictEqual(record, create(created("t")))
    })
  })

  describe("a turn as a client reads it", () => {
    const turn = fold(created("t"), busyTurn).turns[0]!
    const common = {
      id: "u",
      rootTurnId: "r",
      status: "failed",
      error: turnError,
      startedAt: 1_700_000_100,
      completedAt: 1_700_000_102,
      durationMs: 2001
    }

    it("has all its items when it is wanted in full", () => {
      assert.deepStrictEqual<unknown>(toTurn(turn, "full"), { ...common, items, itemsView: "full" })
    })

    it("has the first thing said and the last answer in the summary", () => {
      assert.deepStrictEqual<unknown>(toTurn(turn, "summary"), {
        ...common,
        items: [items[0], items[4]],
        itemsView: "summary"
      })
    })

    it("has no items when none are wanted", () => {
      assert.deepStrictEqual<unknown>(toTurn(turn, "notLoaded"), { ...common, items: [], itemsView: "notLoaded" })
    })

    it("has a summary of what there is when nothing was said or answered", () => {
      const silent = fold(created("t"), [{ _tag: "TurnStarted", at, turnId: "u", rootTurnId: "u" }]).turns[0]!
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

  describe("turns that nobody runs any more", () => {
    it("were interrupted, and those that ended are left as they are [63]", () => {
      const record = fold(created("t"), [
        ...turnEvents("u1", at, "a", "b"),
        { _tag: "TurnStarted", at, turnId: "u2", rootTurnId: "u2" },
        { _tag: "TurnStarted", at, turnId: "u3", rootTurnId: "u3" },
        { _tag: "TurnEnded", at, turnId: "u3", status: "failed", error: turnError }
      ])
      settleStaleTurns(record)
      assert.deepStrictEqual(
        record.turns.map(({ id, status }) => [id, status]),
        [
          ["u1", "completed"],
          ["u2", "interrupted"],
          ["u3", "failed"]
        ]
      )
    })
  })

  describe("a thread as a client reads it", () => {
    const record = fold(created("t", { source: "cli", originator: "me", cwd: "/elsewhere" }), [
      ...turnEvents("u", at, "hello", "hi")
    ])
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
      recencyAt: 1_700_000_101,
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
      assert.deepStrictEqual<unknown>(toThread(record, { type: "idle" }), expected)
    })

    it("has no environments and takes no input while it is not loaded", () => {
      assert.deepStrictEqual<unknown>(toThread(record, { type: "notLoaded" }), {
        ...expected,
        environments: null,
        canAcceptDirectInput: null,
        status: { type: "notLoaded" }
      })
    })

    it("has the turns it is given", () => {
      const turns = record.turns.map((turn) => toTurn(turn, "full"))
      assert.deepStrictEqual<unknown>(toThread(record, { type: "idle" }, turns), { ...expected, turns })
    })
  })
})
