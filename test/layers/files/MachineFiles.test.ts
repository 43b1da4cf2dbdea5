import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeMachineFiles from "../../../src/layers/files/NodeMachineFiles.ts"
import { type FileRequestError, MachineFiles } from "../../../src/services/file/MachineFiles.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-files-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** Runs a test with the files of the machine and a folder of its own. */
const withFiles = <A, E>(
  test: (files: MachineFiles["Service"], at: (name: string) => string) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.scoped(
    Effect.flatMap(Effect.all([MachineFiles, folder]), ([files, path]) => test(files, (name) => Path.join(path, name)))
  ).pipe(Effect.provide(NodeMachineFiles.layer))

const detail = <A>(effect: Effect.Effect<A, FileRequestError>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure.detail : "no error"))

const missing = "No such file or directory (os error 2)"

describe("the files of the machine", () => {
  it.effect("are read whole, also when the system does not know their size", () =>
    withFiles(
      Effect.fnUntraced(function* (files, at) {
        const content = Buffer.alloc(3_000_000, "spindle")
        Fs.writeFileSync(at("big"), content)
        assert.isTrue(content.equals(yield* files.read(at("big"))))
        assert.strictEqual((yield* files.read("/proc/self/status")).length > 100, true)
      })
    )
  )

  it.effect("are refused when they are not regular, without being opened", () =>
    withFiles(
      Effect.fnUntraced(function* (files, at) {
        execFileSync("mkfifo", [at("pipe")])
        for (const path of [at("pipe"), "/dev/zero", at(".")]) {
          assert.strictEqual(yield* detail(files.read(path)), `path \`${path}\` is not a file`)
        }
        assert.strictEqual(
          yield* detail(files.write(at("pipe"), Buffer.from("x"))),
          "No such device or address (os error 6)"
        )
        assert.strictEqual(
          yield* detail(files.copy(at("pipe"), at("copy"), { recursive: true })),
          "fs/copy only supports regular files, directories, and symlinks"
        )
      })
    )
  )

  it.effect("that are too large are not read", () =>
    withFiles(
      Effect.fnUntraced(function* (files, at) {
        Fs.writeFileSync(at("sparse"), "")
        Fs.truncateSync(at("sparse"), 600 * 1024 * 1024)
        assert.strictEqual(
          yield* detail(files.read(at("sparse"))),
          "file is too large to read: limit is 134217728 bytes"
        )
      })
    )
  )

  it.effect("have the errors of the system", () =>
    withFiles(
      Effect.fnUntraced(function* (files, at) {
        Fs.writeFileSync(at("file"), "")
        Fs.mkdirSync(at("full"))
        Fs.writeFileSync(at("full/child"), "")
        const none = { recursive: false, force: false }
        assert.deepStrictEqual(
          [
            yield* detail(files.read(at("none"))),
            yield* detail(files.read(at("a\0b"))),
            yield* detail(files.write(at("no/file"), Buffer.alloc(1))),
            yield* detail(files.write(at("full"), Buffer.alloc(1))),
            yield* detail(files.makeDirectory(at("file"), { recursive: true })),
            yield* detail(files.makeDirectory(at("x/y"), { recursive: false })),
            yield* detail(files.readDirectory(at("file"))),
            yield* detail(files.remove(at("none"), none)),
            yield* detail(files.remove(at("full"), none)),
            yield* detail(files.remove(at("none"), { ...none, force: true }))
          ],
          [
            missing,
            "file name contained an unexpected NUL byte",
            missing,
            "Is a directory (os error 21)",
            "File exists (os error 17)",
            missing,
            "Not a directory (os error 20)",
            missing,
            "Directory not empty (os error 39)",
            "no error"
          ]
        )
      })
    )
  )

  it.effect("are listed with what links lead to", () =>
    withFiles(
      Effect.fnUntraced(function* (files, at) {
        Fs.mkdirSync(at("folder"))
        Fs.writeFileSync(at(".hidden"), "")
        Fs.symlinkSync("folder", at("link"))
        Fs.symlinkSync("gone", at("broken"))
        const entries = Array.from(yield* files.readDirectory(at("."))).sort((a, b) =>
          a.fileName < b.fileName ? -1 : 1
        )
        assert.deepStrictEqual(entries, [
          { fileName: ".hidden", isDirectory: false, isFile: true },
          { fileName: "folder", isDirectory: true, isFile: false },
          { fileName: "link", isDirectory: true, isFile: false }
        ])
        const { createdAtMs: _, modifiedAtMs: __, ...kind } = yield* files.metadata(at("link"))
        assert.deepStrictEqual(kind, { isDirectory: true, isFile: false, isSymlink: true })
        assert.strictEqual(yield* detail(files.metadata(at("broken"))), missing)
      })
    )
  )

  it.effect("are copied with their links, and pipes are left out", () =>
    withFiles(
      Effect.fnUntraced(function* (files, at) {
        Fs.mkdirSync(at("from/sub"), { recursive: true })
        Fs.writeFileSync(at("from/sub/file"), "content")
        Fs.symlinkSync("nowhere", at("from/link"))
        execFileSync("mkfifo", [at("from/pipe")])
        yield* files.copy(at("from"), at("new/to"), { recursive: true })
        assert.deepStrictEqual(Fs.readdirSync(at("new/to")).sort(), ["link", "sub"])
        assert.strictEqual(Fs.readlinkSync(at("new/to/link")), "nowhere")
        assert.strictEqual(Fs.readFileSync(at("new/to/sub/file"), "utf8"), "content")
      })
    )
  )

  it.effect("keep their content when they are copied to themselves", () =>
    withFiles(
      Effect.fnUntraced(function* (files, at) {
        Fs.writeFileSync(at("file"), "content")
        Fs.linkSync(at("file"), at("same"))
        yield* files.copy(at("file"), at("file"), { recursive: false })
        yield* files.copy(at("file"), at("same"), { recursive: false })
        assert.strictEqual(Fs.readFileSync(at("file"), "utf8"), "content")
      })
    )
  )

  it.effect("are not copied into themselves, also through a link", () =>
    withFiles(
      Effect.fnUntraced(function* (files, at) {
        Fs.mkdirSync(at("folder"))
        Fs.symlinkSync("folder", at("link"))
        for (const to of ["folder", "folder/a/b", "link/a"]) {
          assert.strictEqual(
            yield* detail(files.copy(at("folder"), at(to), { recursive: true })),
            "fs/copy cannot copy a directory to itself or one of its descendants"
          )
        }
        assert.deepStrictEqual(Fs.readdirSync(at("folder")), [])
        assert.strictEqual(
          yield* detail(files.copy(at("folder"), at("other"), { recursive: false })),
          "fs/copy requires recursive: true when sourcePath is a directory"
        )
      })
    )
  )

  it.effect("are removed, and the target of a link stays", () =>
    withFiles(
      Effect.fnUntraced(function* (files, at) {
        Fs.mkdirSync(at("folder/sub"), { recursive: true })
        Fs.symlinkSync("folder", at("link"))
        yield* files.remove(at("link"), { recursive: true, force: false })
        assert.deepStrictEqual(Fs.readdirSync(at(".")), ["folder"])
        yield* files.remove(at("folder"), { recursive: true, force: false })
        assert.deepStrictEqual(Fs.readdirSync(at(".")), [])
      })
    )
  )
})
