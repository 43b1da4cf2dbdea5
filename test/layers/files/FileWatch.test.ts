import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeMachineFiles from "../../../src/layers/files/NodeMachineFiles.ts"
import { MaxPaths } from "../../../src/layers/files/machine/Watch.ts"
import { MachineFiles } from "../../../src/services/file/MachineFiles.ts"

type At = (name: string) => string

/** Runs a test with the files of the machine and a folder of its own. */
const inFolder = <A, E>(test: (files: MachineFiles["Service"], at: At) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-watch-"))),
      (made) => Effect.sync(() => Fs.rmSync(made, { recursive: true, force: true }))
    )
    return yield* test(yield* MachineFiles, (name) => Path.join(folder, name))
  }).pipe(Effect.scoped, Effect.provide(NodeMachineFiles.layer))

/**
 * Watches a path, makes the changes, and takes batches until as many paths were in them as are expected. A missing one lets the
 * test run into its time limit.
 */
const watched = (path: string, prepare: (at: At) => void, change: (at: At) => void, expected: ReadonlyArray<string>) =>
  inFolder(
    Effect.fnUntraced(function* (files, at) {
      prepare(at)
      const { changes } = yield* files.watch(at(path))
      change(at)
      const seen = new Set<string>()
      yield* Stream.runForEachWhile(changes, (batch) =>
        Effect.sync(() => {
          for (const changed of batch) seen.add(changed)
          return seen.size < expected.length
        })
      )
      assert.deepStrictEqual(Array.from(seen).sort(), expected.map(at).sort())
    })
  )

const cases: ReadonlyArray<
  readonly [sentence: string, path: string, prepare: (at: At) => void, change: (at: At) => void, ReadonlyArray<string>]
> = [
  [
    "a file in a folder",
    "d",
    (at) => Fs.mkdirSync(at("d")),
    (at) => {
      Fs.writeFileSync(at("d/one"), "1")
      Fs.writeFileSync(at("d/two"), "2")
    },
    ["d/one", "d/two"]
  ],
  [
    "a new name",
    "d",
    (at) => {
      Fs.mkdirSync(at("d"))
      Fs.writeFileSync(at("d/old"), "")
    },
    (at) => Fs.renameSync(at("d/old"), at("d/new")),
    ["d/old", "d/new"]
  ],
  [
    "a file through a link to its folder",
    "link",
    (at) => {
      Fs.mkdirSync(at("d"))
      Fs.symlinkSync("d", at("link"))
    },
    (at) => Fs.writeFileSync(at("d/one"), ""),
    ["link/one"]
  ],
  [
    "the target of a link",
    "link",
    (at) => {
      Fs.mkdirSync(at("d"))
      Fs.writeFileSync(at("d/file"), "")
      Fs.symlinkSync("d/file", at("link"))
    },
    (at) => Fs.writeFileSync(at("d/file"), "new"),
    ["link"]
  ],
  [
    "a file that another one replaces",
    "file",
    (at) => Fs.writeFileSync(at("file"), "old"),
    (at) => {
      Fs.writeFileSync(at("other"), "new")
      Fs.renameSync(at("other"), at("file"))
    },
    ["file"]
  ],
  [
    "a file that appears with its folders",
    "a/b/file",
    () => {},
    (at) => {
      Fs.mkdirSync(at("a/b"), { recursive: true })
      Fs.writeFileSync(at("a/b/file"), "")
    },
    ["a/b/file"]
  ],
  [
    "a file whose folder is removed",
    "a/file",
    (at) => {
      Fs.mkdirSync(at("a"))
      Fs.writeFileSync(at("a/file"), "")
    },
    (at) => Fs.rmSync(at("a"), { recursive: true }),
    ["a/file"]
  ],
  ["a folder that is removed", "d", (at) => Fs.mkdirSync(at("d")), (at) => Fs.rmdirSync(at("d")), ["d"]]
]

describe("a watch publishes", () => {
  for (const [sentence, path, prepare, change, expected] of cases) {
    it.live(sentence, () => watched(path, prepare, change, expected))
  }

  it.live("what happens in a folder that was removed and made again", () =>
    inFolder(
      Effect.fnUntraced(function* (files, at) {
        Fs.mkdirSync(at("d"))
        const { changes } = yield* files.watch(at("d"))
        Fs.rmdirSync(at("d"))
        Fs.mkdirSync(at("d"))
        // After the first batch the new folder is watched.
        const batches = changes.pipe(
          Stream.tap((batch) =>
            Effect.sync(() => void (batch.includes(at("d")) && Fs.writeFileSync(at("d/file"), "")))
          ),
          Stream.takeUntil((batch) => batch.includes(at("d/file")))
        )
        assert.deepStrictEqual((yield* Stream.runCollect(batches)).flat(), [at("d"), at("d/file")])
      })
    )
  )

  it.live("the folder itself when more changes than a batch holds", () =>
    inFolder(
      Effect.fnUntraced(function* (files, at) {
        Fs.mkdirSync(at("d"))
        const { changes } = yield* files.watch(at("d"))
        for (let made = 0; made <= MaxPaths; made++) Fs.mkdirSync(at(`d/${made}`))
        const batches = Stream.takeUntil(changes, (batch) => batch.includes(at("d")))
        for (const batch of yield* Stream.runCollect(batches)) assert.isAtMost(batch.length, MaxPaths)
      })
    )
  )
})
