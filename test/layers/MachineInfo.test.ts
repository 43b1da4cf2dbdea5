import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { findHome } from "../../src/layers/MachineInfo.ts"

/** A user's folder with these folders in it. */
const user = (...folders: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-home-"))
      for (const folder of folders) Fs.mkdirSync(Path.join(path, folder))
      return path
    }),
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
  )

describe("the home folder", () => {
  it("is the one that a variable names, Spindle's before Codex's", () => {
    assert.deepStrictEqual(findHome({ SPINDLE_HOME: "/a", CODEX_HOME: "/b" }), { path: "/a", origin: "SPINDLE_HOME" })
    assert.deepStrictEqual(findHome({ SPINDLE_HOME: "", CODEX_HOME: "/b" }), { path: "/b", origin: "CODEX_HOME" })
  })

  it.effect.each([
    { folders: [], name: ".spindle" },
    { folders: [".spindle"], name: ".spindle" },
    { folders: [".spindle", ".codex"], name: ".spindle" },
    { folders: [".codex"], name: ".codex" }
  ])("is ~/$name for a user with $folders", ({ folders, name }) =>
    Effect.gen(function* () {
      const HOME = yield* user(...folders)
      assert.deepStrictEqual<unknown>(findHome({ HOME }), { path: Path.join(HOME, name), origin: `~/${name}` })
    })
  )
})
