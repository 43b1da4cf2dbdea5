import { execFileSync, spawn } from "node:child_process"
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import { fromFileSystem, SmallFiles } from "../../../src/services/SmallFiles.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-files-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** The same behaviour, whichever way the platform is asked. */
const suite = (name: string, files: Effect.Effect<SmallFiles["Service"]>) =>
  describe(`small files through ${name}`, () => {
    it.effect("reads a file and sees when it changes", () =>
      Effect.gen(function* () {
        const { stamp, text } = yield* files
        const file = join(yield* folder, "a.toml")
        writeFileSync(file, "one")
        const before = yield* stamp(file)
        assert.deepStrictEqual([before?.size, yield* text(file)], [3, "one"])
        assert.deepStrictEqual(yield* stamp(file), before)
        writeFileSync(file, "three")
        assert.notDeepEqual(yield* stamp(file), before)
        assert.strictEqual(yield* text(file), "three")
      })
    )

    it.effect("says of what is not there that it is not, also below a file and behind a dead link", () =>
      Effect.gen(function* () {
        const { stamp, text } = yield* files
        const path = yield* folder
        writeFileSync(join(path, "file"), "")
        symlinkSync(join(path, "gone"), join(path, "link"))
        for (const name of ["none", "file/none", "link"]) {
          assert.strictEqual(yield* stamp(join(path, name)), undefined)
        }
        assert.strictEqual(yield* text(join(path, "none")), undefined)
      })
    )

    it.effect("fails for a folder that is read as a file", () =>
      Effect.gen(function* () {
        const { text } = yield* files
        const path = yield* folder
        mkdirSync(join(path, "config.toml"))
        const read = yield* Effect.result(text(join(path, "config.toml")))
        assert.strictEqual(Result.isFailure(read) ? read.failure.reason._tag : undefined, "BadResource")
      })
    )
  })

if (process.platform !== "win32") {
  it.effect("small files through NodeSmallFiles are never waited for: a pipe is none", () =>
    Effect.gen(function* () {
      const { text } = yield* SmallFiles
      const path = join(yield* folder, "AGENTS.md")
      execFileSync("mkfifo", [path])
      yield* Effect.acquireRelease(
        Effect.sync(() => spawn("sh", ["-c", 'echo hello > "$0"', path])),
        (writer) => Effect.sync(() => writer.kill())
      )
      const read = yield* Effect.result(text(path))
      assert.strictEqual(Result.isFailure(read) ? read.failure.reason._tag : undefined, "BadResource")
    }).pipe(Effect.provide(NodeSmallFiles.layer))
  )
}

suite("NodeSmallFiles", SmallFiles.pipe(Effect.provide(NodeSmallFiles.layer)))
suite(
  "SmallFiles.fromFileSystem",
  FileSystem.FileSystem.pipe(Effect.map(fromFileSystem), Effect.provide(NodeFileSystem.layer))
)
