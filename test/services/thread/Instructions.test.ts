import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import type { SmallFileError } from "../../../src/services/config/SmallFiles.ts"
import * as Instructions from "../../../src/services/thread/Instructions.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"

const load = (
  files: Readonly<Record<string, string>>,
  projectDocMaxBytes = 1000,
  locked: Readonly<Record<string, SmallFileError["reason"]>> = {}
) => {
  const memory = MemoryFiles.make(files)
  for (const [path, reason] of Object.entries(locked)) memory.lock(path, reason)
  return Instructions.load({
    home: "/home",
    cwd: "/work/project/package",
    projectDocMaxBytes
  }).pipe(Effect.provide(memory.layer))
}

it.effect("include the user's own file first, then those from the project's root down, and none above it", () =>
  Effect.gen(function* () {
    const loaded = yield* load({
      "/work/project/.git/HEAD": "",
      "/home/AGENTS.md": "mine",
      "/work/AGENTS.md": "above",
      "/work/project/AGENTS.md": "root",
      "/work/project/package/AGENTS.md": " \n"
    })
    assert.deepStrictEqual(loaded.sources, ["/home/AGENTS.md", "/work/project/AGENTS.md"])
    assert.strictEqual(loaded.text, "mine\n\n--- project-doc ---\n\nroot")
  })
)

it.effect("search only the working folder outside of a project", () =>
  Effect.gen(function* () {
    const { sources } = yield* load({ "/work/AGENTS.md": "above", "/work/project/package/AGENTS.md": "here" })
    assert.deepStrictEqual(sources, ["/work/project/package/AGENTS.md"])
  })
)

it.effect("truncate the file that exceeds the budget, and omit later ones", () =>
  Effect.gen(function* () {
    const files = { "/home/AGENTS.md": "12345", "/work/project/package/AGENTS.md": "67890" }
    assert.strictEqual((yield* load(files, 4)).text, "1234")
  })
)

it.effect("warn about a truncated file, cut between characters, with the text of the release", () =>
  Effect.gen(function* () {
    const loaded = yield* load({ "/work/project/package/AGENTS.md": "aéé" }, 4)
    assert.strictEqual(loaded.text, "aé")
    assert.deepStrictEqual(loaded.warnings, [
      "Loaded only 4 of 5 bytes from `/work/project/package/AGENTS.md` in environment `local` under the 4-byte project instruction budget. Trim your project instructions to fit the budget. If you need to keep them all, increase `project_doc_max_bytes`."
    ])
  })
)

it.effect("omit unreadable files with a warning", () =>
  Effect.gen(function* () {
    const files = {
      "/work/project/.git": "",
      "/home/AGENTS.md": "mine",
      "/work/project/AGENTS.md": "root",
      "/work/project/package/AGENTS.md": "here"
    }
    const loaded = yield* load(files, 1000, { "/home/AGENTS.md": "denied", "/work/project/AGENTS.md": "notRegular" })
    assert.deepStrictEqual(
      [loaded.sources, loaded.warnings],
      [
        ["/work/project/package/AGENTS.md"],
        [
          "Failed to read global AGENTS.md instructions from `/home/AGENTS.md`: permission denied",
          "Failed to read project AGENTS.md instructions from `/work/project/AGENTS.md`: not a regular file"
        ]
      ]
    )
  })
)

it.effect("search a limited number of parent folders", () =>
  Effect.gen(function* () {
    const cwd = `/top${"/a".repeat(2000)}`
    const memory = MemoryFiles.make({ "/top/.git": "", "/top/AGENTS.md": "far", [`${cwd}/AGENTS.md`]: "near" })
    const { sources } = yield* Instructions.load({
      home: "/home",
      cwd,
      projectDocMaxBytes: 1000
    }).pipe(Effect.provide(memory.layer))
    assert.deepStrictEqual(sources, [`${cwd}/AGENTS.md`])
  })
)

/** Files on a disk, with links among them. */
const linked = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "spindle-instructions-"))),
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
  )
  const project = join(folder, "project")
  Fs.mkdirSync(join(project, "docs/deep"), { recursive: true })
  Fs.writeFileSync(join(folder, "auth.json"), "secret")
  Fs.writeFileSync(join(project, "docs/text.md"), "written")
  const load = (cwd: string) =>
    Instructions.load({
      home: join(folder, "home"),
      cwd,
      projectDocMaxBytes: 1000
    }).pipe(Effect.provide(Layer.merge(NodeSmallFiles.layer, Path.layer)))
  return { folder, project, load }
})

it.effect.each([
  ["../auth.json", "it is a link to a file outside the project"],
  ...(process.platform === "linux"
    ? [["/proc/self/environ", "it is a file of the kernel, as in /proc or /sys"] as const]
    : [])
])("leaves out a document that is a link to %s, and warns of it", ([target, why]) =>
  Effect.gen(function* () {
    const { load, project } = yield* linked
    const file = join(project, "AGENTS.md")
    Fs.mkdirSync(join(project, ".git"))
    Fs.symlinkSync(target, file)
    const { sources, text, warnings } = yield* load(project)
    assert.deepStrictEqual(
      [sources, warnings],
      [[], [`Failed to read project AGENTS.md instructions from \`${file}\`: ${why}`]]
    )
    assert.isNull(text)
  })
)

it.effect("follow links inside the project, whose root has .git", () =>
  Effect.gen(function* () {
    const { load, project } = yield* linked
    const deep = join(project, "docs/deep")
    Fs.symlinkSync("../text.md", join(deep, "AGENTS.md"))
    Fs.mkdirSync(join(deep, ".git"))
    const alone = yield* load(deep)
    Fs.renameSync(join(deep, ".git"), join(project, ".git"))
    Fs.symlinkSync("docs/text.md", join(project, "AGENTS.md"))
    const whole = yield* load(deep)
    assert.deepStrictEqual(
      [alone.sources, alone.warnings.length, whole.sources, whole.warnings],
      [[], 1, [join(project, "AGENTS.md"), join(deep, "AGENTS.md")], []]
    )
  })
)

it.effect("omit files behind a linked folder", () =>
  Effect.gen(function* () {
    const { folder, load, project } = yield* linked
    Fs.mkdirSync(join(project, ".git"))
    Fs.mkdirSync(join(folder, "other"))
    Fs.writeFileSync(join(folder, "other/AGENTS.md"), "secret")
    Fs.symlinkSync("../other", join(project, "linked"))
    const { sources, warnings } = yield* load(join(project, "linked"))
    assert.deepStrictEqual([sources, warnings.length], [[], 1])
  })
)
