import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { resolve } from "../../../src/layers/sandboxes/PolicyFiles.ts"
import type { SandboxPolicy } from "../../../src/protocol/v2/thread/Settings.ts"
import { type AccessEntry, WriteDenied } from "../../../src/services/sandbox/FileAccess.ts"

type WorkspaceWrite = Extract<SandboxPolicy, { type: "workspaceWrite" }>

const policyOf = (over: Partial<WorkspaceWrite> = {}): WorkspaceWrite => ({
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: true,
  excludeSlashTmp: true,
  ...over
})

/** A folder for a test, with `work` in it. */
const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), "files-")))
    mkdirSync(join(root, "work"))
    return { root, work: join(root, "work") }
  }),
  ({ root }) => Effect.sync(() => rmSync(root, { recursive: true }))
)

const of = (policy: SandboxPolicy, cwd: string, protect: ReadonlyArray<string> = []) =>
  resolve(policy, cwd, { tmpdir: undefined, protect })

const missing = (path: string): AccessEntry => ({ path, access: "read", kind: "missing" })
const writable = (path: string): AccessEntry => ({ path, access: "write", kind: "folder" })
const kept = (path: string, kind: AccessEntry["kind"] = "folder"): AccessEntry => ({ path, access: "read", kind })

/** The entries of a root whose protected names do not exist, other than the given ones. */
const root = (path: string, ...found: ReadonlyArray<AccessEntry>): ReadonlyArray<AccessEntry> => [
  writable(path),
  ...[".agents", ".aws", ".codex", ".git"].map(
    (name) => found.find((entry) => entry.path === join(path, name)) ?? missing(join(path, name))
  )
]

const inFolder = (
  name: string,
  run: (paths: { readonly root: string; readonly work: string }) => Effect.Effect<void, unknown, Scope.Scope>
) => it.effect(name, () => Effect.flatMap(folder, run))

describe("the writable files of a policy", () => {
  inFolder("are all files without a restriction, and none when it is read-only", ({ work }) =>
    Effect.gen(function* () {
      const all = yield* of({ type: "dangerFullAccess" }, work)
      assert.deepStrictEqual([all.scope, yield* all.mayWrite("/etc/passwd")], ["all", true])
      const external = yield* of({ type: "externalSandbox", networkAccess: "restricted" }, work)
      assert.deepStrictEqual([external.scope, yield* external.mayWrite("/etc/passwd")], ["all", true])
      const none = yield* of({ type: "readOnly", networkAccess: false }, work)
      assert.deepStrictEqual([none.scope, none.entries, yield* none.mayWrite(join(work, "a"))], ["entries", [], false])
    })
  )

  inFolder(
    "are the working folder and the roots, without links, each with its protected names",
    ({ root: top, work }) =>
      Effect.gen(function* () {
        mkdirSync(join(top, "real/.codex/rules"), { recursive: true })
        symlinkSync(join(top, "real"), join(top, "link"))
        mkdirSync(join(work, ".git/objects"), { recursive: true })
        // An empty folder counts as none.
        mkdirSync(join(work, ".agents"))
        const writableRoots = [join(top, "link"), join(top, "absent"), join(top, "link"), "relative"]
        const { entries } = yield* of(policyOf({ writableRoots }), work)
        assert.deepStrictEqual(entries, [
          ...root(join(top, "real"), kept(join(top, "real/.codex"))),
          ...root(work, kept(join(work, ".git")))
        ])
      })
  )

  it.effect("include /tmp and TMPDIR unless they are excluded", () =>
    Effect.gen(function* () {
      const { root: top, work } = yield* folder
      const roots = (over: Partial<WorkspaceWrite>) =>
        Effect.map(resolve(policyOf(over), work, { tmpdir: top, protect: [] }), ({ entries }) =>
          entries.filter(({ access }) => access === "write").map(({ path }) => path)
        )
      assert.deepStrictEqual(yield* roots({ excludeSlashTmp: false }), [realpathSync("/tmp"), work].sort())
      assert.deepStrictEqual(yield* roots({ excludeTmpdirEnvVar: false }), [top, work])
      assert.deepStrictEqual(yield* roots({}), [work])
    })
  )

  inFolder("protect the folders that a .git file names", ({ root: top, work }) =>
    Effect.gen(function* () {
      const gitDir = join(top, "repo/.git/worktrees/work")
      mkdirSync(gitDir, { recursive: true })
      writeFileSync(join(gitDir, "commondir"), "../..\n")
      writeFileSync(join(work, ".git"), `gitdir: ${gitDir}\n`)
      const { entries, mayWrite } = yield* of(policyOf({ writableRoots: [top] }), work)
      assert.deepStrictEqual(entries, [
        ...root(top),
        kept(join(top, "repo/.git")),
        kept(gitDir),
        ...root(work, kept(join(work, ".git"), "file"))
      ])
      const paths = [
        join(top, "repo/.git/hooks/pre-commit"),
        join(gitDir, "HEAD"),
        join(work, ".git"),
        join(top, "repo/a")
      ]
      assert.deepStrictEqual(yield* Effect.forEach(paths, mayWrite), [false, false, false, true])
    })
  )

  const gitFiles: ReadonlyArray<readonly [name: string, text: string]> = [
    ["is not text of git", "garbage"],
    ["names a folder that does not exist", "gitdir: absent"],
    ["is empty", ""],
    ["is too long", `${" ".repeat(5000)}\ngitdir: named\n`]
  ]
  it.effect.each(gitFiles)("protect only the .git file when it %s", ([, text]) =>
    Effect.gen(function* () {
      const { work } = yield* folder
      mkdirSync(join(work, "named"))
      writeFileSync(join(work, ".git"), text)
      const { entries } = yield* of(policyOf(), work)
      assert.deepStrictEqual(entries, root(work, kept(join(work, ".git"), "file")))
    })
  )

  inFolder("report a protected name that is a link, and protect its target", ({ root: top, work }) =>
    Effect.gen(function* () {
      mkdirSync(join(top, "hidden"))
      symlinkSync(join(top, "hidden"), join(work, ".git"))
      symlinkSync(join(top, "absent"), join(work, ".codex"))
      const { entries, mayWrite } = yield* of(policyOf({ writableRoots: [top] }), work)
      assert.deepStrictEqual(entries, [
        ...root(top),
        kept(join(top, "hidden")),
        ...root(work, kept(join(work, ".codex"), "link"), kept(join(work, ".git"), "link"))
      ])
      const paths = [join(work, ".git"), join(work, ".git/hooks"), join(work, ".codex"), join(top, "hidden/a")]
      assert.deepStrictEqual(yield* Effect.forEach(paths, mayWrite), [false, false, false, false])
    })
  )

  inFolder("are decided by the most specific entry", ({ work }) =>
    Effect.gen(function* () {
      mkdirSync(join(work, ".git/x"), { recursive: true })
      mkdirSync(join(work, ".codex"))
      const policy = policyOf({ writableRoots: [join(work, ".git/x"), join(work, ".codex")] })
      const { mayWrite } = yield* of(policy, work)
      const paths = ["a", ".git/a", ".git/x/a", ".git/x/.git/a", ".codex/config.toml", ".gitignore", ".codexx/a"]
      assert.deepStrictEqual(yield* Effect.forEach(paths, (path) => mayWrite(join(work, path))), [
        true,
        false,
        true,
        false,
        true,
        true,
        true
      ])
    })
  )

  inFolder("exclude what the server protects", ({ work }) =>
    Effect.gen(function* () {
      mkdirSync(join(work, "home"))
      const { mayWrite } = yield* of(policyOf(), work, [join(work, "home"), "/elsewhere"])
      assert.deepStrictEqual(
        yield* Effect.forEach(["home/config.toml", "homes"], (path) => mayWrite(join(work, path))),
        [false, true]
      )
    })
  )
})

describe("a path", () => {
  inFolder("is judged by where it leads", ({ root: top, work }) =>
    Effect.gen(function* () {
      mkdirSync(join(top, "out"))
      writeFileSync(join(top, "out/file"), "")
      writeFileSync(join(work, "file"), "")
      symlinkSync(join(top, "out"), join(work, "outward"))
      symlinkSync(join(work), join(top, "inward"))
      symlinkSync(join(top, "out/absent"), join(work, "dangling"))
      symlinkSync("loop", join(work, "loop"))
      const { mayWrite } = yield* of(policyOf(), work)
      const expected: Readonly<Record<string, boolean>> = {
        [join(work, "new/deep/file")]: true,
        [join(top, "inward/file")]: true,
        [join(top, "inward/.git/config")]: false,
        [join(work, "outward/file")]: false,
        [join(work, "outward/new")]: false,
        [`${work}/outward/../work/file`]: true,
        [`${work}/../out/file`]: false,
        [join(work, "dangling")]: false,
        [join(work, "dangling/below")]: false,
        [join(work, "loop")]: false,
        [join(work, "file/below")]: false,
        [`${work}x/file`]: false,
        [`/proc/self/root${work}/file`]: true,
        [`/proc/self/root${top}/out/file`]: false,
        [join(work, "a\0b")]: false
      }
      const actual = yield* Effect.forEach(Object.keys(expected), (path) =>
        Effect.map(mayWrite(path), (answer) => [path, answer] as const)
      )
      assert.deepStrictEqual(Object.fromEntries(actual), expected)
    })
  )

  inFolder("that is held stays in the folder that was checked", ({ root: top, work }) =>
    Effect.gen(function* () {
      mkdirSync(join(top, "out"))
      mkdirSync(join(work, "folder"))
      const { hold } = yield* of(policyOf(), work)
      const held = yield* hold(join(work, "folder/file"))
      renameSync(join(work, "folder"), join(work, "moved"))
      symlinkSync(join(top, "out"), join(work, "folder"))
      if (process.platform === "linux") {
        writeFileSync(held, "text")
        assert.strictEqual(readFileSync(join(work, "moved/file"), "utf8"), "text")
      }
      const denied = join(work, "folder/file")
      assert.deepStrictEqual(yield* Effect.flip(hold(denied)), new WriteDenied({ path: denied }))
      const absent = join(work, "absent/file")
      assert.deepStrictEqual(yield* Effect.flip(hold(absent)), new WriteDenied({ path: absent }))
    })
  )
})
