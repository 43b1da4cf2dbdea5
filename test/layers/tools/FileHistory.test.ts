import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as None from "../../../src/layers/sandboxes/None.ts"
import { HistoryFolder, MaxThreadBytes } from "../../../src/layers/tools/patch/HistoryFolder.ts"
import { PatchThread } from "../../../src/layers/tools/patch/PatchThread.ts"
import * as Restoration from "../../../src/layers/tools/patch/Restoration.ts"
import { Sandbox } from "../../../src/services/sandbox/Sandbox.ts"
import type { FileHistory } from "../../../src/services/tool/FileHistory.ts"
import * as TestTurn from "./TestTurn.ts"
import { addOne, directory, type FileSpec, patch, tree, writeFiles } from "./patch/PatchFolder.ts"

/** A folder, the history of a thread, and patches of its turns. */
const historyOf = Effect.fnUntraced(function* (files: Readonly<Record<string, FileSpec>>) {
  const cwd = yield* directory
  const home = yield* directory
  writeFiles(cwd, files)
  const folder = new HistoryFolder(Path.join(home, "thread"))
  const sandbox = yield* Effect.provide(Sandbox, None.layer)
  const unused = () => Effect.die("not used here")
  const history: FileHistory["Service"] = {
    record: (_, turnId, files) => Effect.promise(() => folder.record(turnId, files)),
    forget: unused,
    plan: unused,
    restore: unused
  }
  const thread = new PatchThread(sandbox, history)
  let calls = 0
  const apply = (turnId: string, text: string) =>
    thread.apply({ callId: `call-${calls++}`, text, cwd }, TestTurn.make({ cwd, turnId }))
  const restore = (...turnIds: ReadonlyArray<string>) =>
    Effect.map(Restoration.restore(folder, turnIds, sandbox), ({ conflicts, files }) => ({
      conflicts: conflicts.map(({ path, reason }) => [Path.relative(cwd, path), reason]),
      files: files.map(({ kind, path }) => [Path.relative(cwd, path), kind])
    }))
  return { cwd, home, folder, apply, restore, path: (name: string) => Path.join(cwd, name) }
})

const update = (path: string, from: string, to: string, ...move: ReadonlyArray<string>) =>
  patch(`*** Update File: ${path}`, ...move, "@@", `-${from}`, `+${to}`)

const files = { a: { text: "1\r\n", mode: 0o755 }, b: "1\n", c: "1\n" }

describe("the history of files", () => {
  it.effect("restores every file as it was before the first of the turns", () =>
    Effect.gen(function* () {
      const { apply, cwd, restore } = yield* historyOf(files)
      const before = tree(cwd)
      yield* apply("1", update("a", "1", "2"))
      const between = tree(cwd)
      yield* apply("2", update("a", "2", "3"))
      yield* apply("2", addOne("new"))
      yield* apply("3", patch("*** Delete File: b"))
      yield* apply("3", update("c", "1", "2", "*** Move to: moved"))
      yield* apply("3", update("a", "3", "4"))
      assert.deepStrictEqual(yield* restore("2", "3"), {
        conflicts: [],
        files: [
          ["a", "update"],
          ["new", "delete"],
          ["b", "add"],
          ["c", "add"],
          ["moved", "delete"]
        ]
      })
      assert.deepStrictEqual(tree(cwd), between)
      assert.deepStrictEqual(yield* restore("1", "2", "3"), { conflicts: [], files: [["a", "update"]] })
      assert.deepStrictEqual(tree(cwd), before)
      assert.deepStrictEqual(yield* restore("1", "2", "3"), { conflicts: [], files: [] })
    })
  )

  const meanwhile: ReadonlyArray<readonly [string, (path: string) => void, string]> = [
    ["was edited", (path) => Fs.writeFileSync(path, "mine\n"), "changed"],
    ["was deleted", (path) => Fs.rmSync(path), "changed"],
    [
      "became a folder",
      (path) => {
        Fs.rmSync(path)
        Fs.mkdirSync(path)
      },
      "notAFile"
    ],
    [
      "became a link",
      (path) => {
        Fs.renameSync(path, `${path}.real`)
        Fs.symlinkSync(`${path}.real`, path)
      },
      "notAFile"
    ]
  ]
  it.effect.each(meanwhile)("leaves a file that %s by somebody else, and reports it", ([, change, reason]) =>
    Effect.gen(function* () {
      const { apply, cwd, path, restore } = yield* historyOf(files)
      yield* apply("1", update("b", "1", "2"))
      yield* apply("1", update("c", "1", "2"))
      change(path("b"))
      const { b, c, ...rest } = tree(cwd)
      assert.deepStrictEqual(yield* restore("1"), { conflicts: [["b", reason]], files: [["c", "update"]] })
      assert.deepStrictEqual(tree(cwd), { ...rest, ...(b === undefined ? {} : { b }), c: '"1\\n"' })
      assert.strictEqual(c, '"2\\n"')
    })
  )

  it.effect("does not drop an edit that somebody made between two patches", () =>
    Effect.gen(function* () {
      const { apply, cwd, path, restore } = yield* historyOf(files)
      yield* apply("1", update("b", "1", "2"))
      Fs.appendFileSync(path("b"), "mine\n")
      yield* apply("1", update("b", "2", "3"))
      assert.deepStrictEqual(yield* restore("1"), { conflicts: [["b", "changed"]], files: [] })
      assert.strictEqual(tree(cwd)["b"], '"3\\nmine\\n"')
    })
  )

  it.effect("does not follow a link that took the place of a folder", () =>
    Effect.gen(function* () {
      const { apply, cwd, path, restore } = yield* historyOf({ "d/f": "1\n", "other/f": "2\n" })
      yield* apply("1", update("d/f", "1", "2"))
      Fs.rmSync(path("d"), { recursive: true })
      Fs.symlinkSync("other", path("d"))
      assert.deepStrictEqual(yield* restore("1"), { conflicts: [["d/f", "notAFile"]], files: [] })
      assert.strictEqual(tree(cwd)["other/f"], '"2\\n"')
    })
  )

  it.effect("counts a patch that failed as no change", () =>
    Effect.gen(function* () {
      const { apply, cwd, restore } = yield* historyOf({ ...files, "d/x": "1\n" })
      yield* apply("1", patch("*** Update File: b", "@@", "-1", "+9", "*** Add File: d", "+1"))
      yield* apply("1", update("b", "1", "2"))
      yield* apply("1", patch("*** Update File: b", "@@", "-2", "+9", "*** Add File: d", "+1"))
      const { conflicts, files: restored } = yield* restore("1")
      assert.deepStrictEqual({ conflicts, restored }, { conflicts: [["d", "notAFile"]], restored: [["b", "update"]] })
      assert.strictEqual(tree(cwd)["b"], '"1\\n"')
    })
  )

  it.effect("is only readable by its owner, and holds each content once", () =>
    Effect.gen(function* () {
      const { apply, home } = yield* historyOf(files)
      yield* apply("1", update("b", "1", "2"))
      yield* apply("1", update("c", "1", "2"))
      const found = tree(home)
      assert.deepStrictEqual(
        Object.entries(found).map(([name, text]) => [name.length, text.slice(0, 4)]),
        [
          ["thread/".length, "700"],
          ["thread/".length + 64, "600 "],
          ["thread/log.jsonl".length, "600 "]
        ]
      )
    })
  )

  it.effect("survives damage: a cut line, a changed content, a missing one", () =>
    Effect.gen(function* () {
      const { apply, folder, home, restore } = yield* historyOf(files)
      yield* apply("1", update("b", "1", "2"))
      Fs.appendFileSync(Path.join(home, "thread/log.jsonl"), '{"turnId":"1","path":"/etc/passwd","before"')
      yield* apply("1", update("c", "1", "2"))
      assert.strictEqual((yield* Effect.promise(() => folder.changes(new Set(["1"])))).length, 2)
      const content = Object.keys(tree(home)).find((name) => !name.endsWith("/") && !name.endsWith(".jsonl")) ?? ""
      Fs.appendFileSync(Path.join(home, content), "more")
      const notKept = {
        conflicts: [
          ["b", "notKept"],
          ["c", "notKept"]
        ],
        files: []
      }
      assert.deepStrictEqual(yield* restore("1"), notKept)
      Fs.rmSync(Path.join(home, content))
      assert.deepStrictEqual(yield* restore("1"), notKept)
    })
  )

  it.effect("keeps no content above the limit of a thread", () =>
    Effect.gen(function* () {
      const { apply, home, restore } = yield* historyOf(files)
      Fs.mkdirSync(Path.join(home, "thread"))
      Fs.writeFileSync(Path.join(home, "thread/large"), "")
      Fs.truncateSync(Path.join(home, "thread/large"), MaxThreadBytes - 1)
      yield* apply("1", update("b", "1", "2"))
      assert.deepStrictEqual(yield* restore("1"), { conflicts: [["b", "notKept"]], files: [] })
    })
  )
})
