import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { vi } from "vitest"
import * as TestTurn from "./TestTurn.ts"
import { opened } from "./TestShell.ts"

vi.mock("koffi", () => {
  throw new Error("Cannot find package 'koffi'")
})

describe("an installation without koffi", () => {
  it.effect("refuses a terminal before anyone is asked, and runs other commands", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = TestTurn.make({ approvalPolicy: "on-request" })
      assert.deepStrictEqual(yield* exec({ cmd: "ls", tty: true }, turn), {
        text: "exec_command failed: no terminal is available: the optional dependency koffi is not installed, or does not run here; rerun it without tty",
        success: false
      })
      assert.deepStrictEqual(turn.published, [])
      assert.isTrue((yield* exec({ cmd: "true" }, turn)).success)
    })
  )
})
