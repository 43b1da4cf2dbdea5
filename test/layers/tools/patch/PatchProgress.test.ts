import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { changesIn, PatchProgress } from "../../../../src/layers/tools/patch/PatchProgress.ts"
import type { ModelEvent } from "../../../../src/services/model/ModelProvider.ts"
import { completed } from "../../../support/ScriptedModel.ts"
import { makeServer, nameOf, userInput } from "../../../support/Server.ts"
import { paramsOf } from "../../../support/Threads.ts"
import * as TestTurn from "../TestTurn.ts"
import { addOne, directory, patch } from "./PatchFolder.ts"

describe("an unfinished patch", () => {
  it("is shown by its complete lines, as in the release", () => {
    const lines = ["@@ one", " two", "-three", "+3", "@@", "-four"]
    const text = patch(
      "*** Add File: n",
      "+1",
      "+2",
      "*** Update File: a",
      "*** Move to: b",
      ...lines,
      "*** Delete File: d"
    )
    assert.deepStrictEqual(changesIn(`${text}*** Delete File: unfin`), [
      {
        path: "a",
        kind: { type: "update", move_path: "b" },
        diff: "@@ one\n-two\n-three\n+two\n+3\n@@\n-four\n\n\nMoved to: b"
      },
      { path: "d", kind: { type: "delete" }, diff: "" },
      { path: "n", kind: { type: "add" }, diff: "1\n2\n" }
    ])
    assert.deepStrictEqual(changesIn("no patch\nat all\n"), [])
  })

  it.effect("is shown at most every half second, and once more at its end", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const turn = TestTurn.make()
      const progress = new PatchProgress("c1", turn)
      const shown = () =>
        turn.published.map((entry) =>
          entry.type === "notified"
            ? (entry.params as { changes: ReadonlyArray<{ diff: string }> }).changes[0]?.diff
            : entry
        )
      yield* progress.add("*** Begin Patch\n*** Add File: f\n")
      yield* progress.add("+1\n")
      yield* progress.add("+2\n")
      assert.deepStrictEqual(shown(), [""])
      yield* TestClock.adjust("500 millis")
      yield* progress.add("+3")
      yield* progress.add("\n")
      assert.deepStrictEqual(shown(), ["", "1\n2\n3\n"])
      yield* progress.add("+4\n")
      yield* progress.show
      yield* progress.show
      assert.deepStrictEqual(shown(), ["", "1\n2\n3\n", "1\n2\n3\n4\n"])
    })
  )

  const settings = [
    ["with the feature", true, ["item/fileChange/patchUpdated", "item/started", "item/completed", "turn/diff/updated"]],
    ["without it", false, ["item/started", "item/completed", "turn/diff/updated"]]
  ] as const
  it.effect.each(settings)("is shown to clients in front of its item, %s", ([, isOn, expected]) =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const { connect, model } = yield* makeServer({
        ownTools: true,
        cliOverrides: [["features.apply_patch_streaming_events", isOn]]
      })
      const client = yield* connect({ capabilities: { experimentalApi: true } })
      const policy = { approvalPolicy: "never", sandbox: "danger-full-access" } as const
      const { thread } = yield* client.request("thread/start", { cwd, model: "gpt-5.5", ...policy })
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
      const call = yield* model.next
      const input = addOne("f")
      const pieces = input.match(/[^\n]*\n/g) ?? []
      yield* call.emit(
        ...pieces.map((delta): ModelEvent => ({ _tag: "ToolInputDelta", callId: "c1", name: "apply_patch", delta })),
        { _tag: "ItemDone", item: { type: "custom_tool_call", call_id: "c1", name: "apply_patch", input } },
        completed
      )
      yield* call.finish()
      const events = yield* client.until((event) => nameOf(event) === "turn/diff/updated")
      const names = events
        .filter((event) => !JSON.stringify(paramsOf(event)).includes("userMessage"))
        .map(nameOf)
        .filter((name) => /^item|diff/.test(name))
      assert.deepStrictEqual<ReadonlyArray<string>>([...new Set(names)], expected)
      yield* model.reply("done")
    })
  )
})
