import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as None from "../../../../src/layers/sandboxes/None.ts"
import { parse } from "../../../../src/layers/tools/patch/Parser.ts"
import { verify } from "../../../../src/layers/tools/patch/Verification.ts"
import { apply, write } from "../../../../src/layers/tools/patch/Writing.ts"
import type { FileAccess } from "../../../../src/services/sandbox/FileAccess.ts"
import { Sandbox } from "../../../../src/services/sandbox/Sandbox.ts"
import { directory, type FileSpec, patch, tree, writeFiles } from "./PatchFolder.ts"

/** Verified changes to a new folder with these files. */
const prepared = Effect.fnUntraced(function* (files: Readonly<Record<string, FileSpec>>, ...lines: Array<string>) {
  const cwd = yield* directory
  writeFiles(cwd, files)
  const operations = Result.getOrThrowWith(parse(patch(...lines)), (error) => new Error(error))
  const verified = yield* Effect.promise(() => verify(operations, cwd))
  const sandbox = yield* Effect.provide(Sandbox, Layer.fresh(None.layer))
  const access = yield* sandbox.files({ type: "dangerFullAccess" }, cwd)
  return { cwd, changes: Result.getOrThrowWith(verified, (error) => new Error(error)), access }
})

const files = { a: "1\n", "d/b": { text: "1\n", mode: 0o755 }, c: "1\r\n", e: "1\n" }
const change = [
  "*** Add File: new/folder/f",
  "+1",
  "*** Update File: a",
  "@@",
  "-1",
  "+2",
  "*** Update File: d/b",
  "*** Move to: moved/b",
  "@@",
  "-1",
  "+2",
  "*** Delete File: c",
  "*** Add File: e",
  "+2"
]
/** The steps of this patch: the move is two. */
const steps = 6

describe("the changes of a patch", () => {
  it.effect("are written with the modes of the files, and nothing else is left in the folders", () =>
    Effect.gen(function* () {
      const { access, changes, cwd } = yield* prepared(files, ...change)
      yield* write(changes, () => access)
      assert.deepStrictEqual(tree(cwd), {
        a: '"2\\n"',
        "d/": "755",
        e: '"2\\n"',
        "moved/": "755",
        "moved/b": '755 "2\\n"',
        "new/": "755",
        "new/folder/": "755",
        "new/folder/f": '"1\\n"'
      })
    })
  )

  for (let failing = 0; failing < steps; failing++) {
    it.effect(`are undone when step ${failing + 1} fails`, () =>
      Effect.gen(function* () {
        const { access, changes, cwd } = yield* prepared(files, ...change)
        const before = tree(cwd)
        let count = 0
        const failed = yield* Effect.flip(
          write(
            changes,
            () => access,
            (ready) => (count++ === failing ? Promise.reject(new Error("disk full")) : apply(ready))
          )
        )
        assert.match(failed.detail, /^Failed to (?:write|delete) file \/\S+$/)
        assert.deepStrictEqual(tree(cwd), before)
      })
    )
  }

  it.effect("leave the old content of a file that cannot be restored, and name it", () =>
    Effect.gen(function* () {
      const { access, changes, cwd } = yield* prepared(
        { a: "1\n", c: "1\n" },
        ...change.slice(2, 6),
        "*** Delete File: c"
      )
      const failed = yield* Effect.flip(
        write(
          changes,
          () => access,
          (ready) =>
            ready.step.after === null
              ? Promise.reject(new Error("disk full"))
              : Effect.runPromise(
                  Effect.map(
                    Effect.promise(() => apply(ready)),
                    () => () => Promise.reject(new Error("disk full"))
                  )
                )
        )
      )
      const kept = /its old content is in (\S+)$/.exec(failed.detail)?.[1] ?? ""
      assert.strictEqual(Path.dirname(kept), cwd)
      assert.strictEqual(Fs.readFileSync(kept, "utf8"), "1\n")
    })
  )

  it.effect("keep the other names of a file", () =>
    Effect.gen(function* () {
      const { cwd } = yield* prepared({ a: "1\n" }, ...change.slice(2, 6))
      Fs.linkSync(Path.join(cwd, "a"), Path.join(cwd, "b"))
      const operations = Result.getOrThrowWith(parse(patch(...change.slice(2, 6))), (error) => new Error(error))
      const verified = yield* Effect.promise(() => verify(operations, cwd))
      const { access } = yield* prepared({}, ...change.slice(0, 2))
      yield* write(Result.getOrThrowWith(verified, Error), () => access)
      assert.deepStrictEqual(tree(cwd), { a: '"2\\n"', b: '"2\\n"' })
    })
  )

  const Meanwhile = Schema.Literals(["edited", "deleted", "a folder", "a link"])
  for (const what of Meanwhile.literals) {
    it.effect(`are not written over a file that is ${what} meanwhile`, () =>
      Effect.gen(function* () {
        const { access, changes, cwd } = yield* prepared(
          { a: "1\n", c: "1\n" },
          ...change.slice(2, 6),
          "*** Delete File: c"
        )
        const path = Path.join(cwd, "c")
        if (what === "edited") Fs.writeFileSync(path, "9\n")
        else {
          Fs.rmSync(path)
          if (what === "a folder") Fs.mkdirSync(path)
          if (what === "a link") Fs.symlinkSync("a", path)
        }
        const before = tree(cwd)
        const failed = yield* Effect.flip(write(changes, () => access))
        assert.strictEqual(
          failed.detail,
          `Failed to apply the patch: ${path} has changed since the patch was read. Read the file again.`
        )
        assert.deepStrictEqual(tree(cwd), before)
      })
    )
  }

  it.effect("are not written over a new file that somebody else has created", () =>
    Effect.gen(function* () {
      const { access, changes, cwd } = yield* prepared({}, "*** Add File: f", "+1")
      Fs.writeFileSync(Path.join(cwd, "f"), "theirs\n")
      yield* Effect.flip(write(changes, () => access))
      assert.deepStrictEqual(tree(cwd), { f: '"theirs\\n"' })
    })
  )

  it.effect("stay in the folder that was checked, when a link takes its place", () =>
    Effect.gen(function* () {
      const { changes, cwd } = yield* prepared(
        { "in/f": "1\n", "out/f": "1\n" },
        "*** Update File: in/f",
        "@@",
        "-1",
        "+2"
      )
      const sandbox = yield* Effect.provide(Sandbox, None.layer)
      const policy = {
        type: "workspaceWrite",
        writableRoots: [],
        networkAccess: false,
        excludeTmpdirEnvVar: true,
        excludeSlashTmp: true
      } as const
      const access = yield* sandbox.files(policy, Path.join(cwd, "in"))
      const swapping: FileAccess = {
        ...access,
        hold: (path) =>
          Effect.tap(access.hold(path), () =>
            Effect.sync(() => {
              Fs.renameSync(Path.join(cwd, "in"), Path.join(cwd, "kept"))
              Fs.symlinkSync(Path.join(cwd, "out"), Path.join(cwd, "in"))
            })
          )
      }
      yield* write(changes, () => swapping)
      assert.deepStrictEqual(tree(cwd), {
        in: `-> ${Path.join(cwd, "out")}`,
        "kept/": "755",
        "kept/f": '"2\\n"',
        "out/": "755",
        "out/f": '"1\\n"'
      })
    })
  )
})
