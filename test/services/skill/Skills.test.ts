import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import * as Skills from "../../../src/services/skill/Skills.ts"

/** Lists the skills of `work` below a folder with these files. Paths are relative to the folder. */
const listed = (
  files: Readonly<Record<string, string>>,
  options: Partial<Skills.SkillOptions> & { readonly prepare?: (root: string) => void } = {}
) =>
  Effect.gen(function* () {
    const root = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-skills-")))),
      (made) => Effect.sync(() => Fs.rmSync(made, { recursive: true, force: true }))
    )
    for (const [name, text] of Object.entries(files)) {
      const path = Path.join(root, name)
      Fs.mkdirSync(Path.dirname(path), { recursive: true })
      Fs.writeFileSync(path, text)
    }
    const { prepare, ...rest } = options
    prepare?.(root)
    const { errors, skills } = yield* Skills.list(Path.join(root, "work"), {
      home: Path.join(root, "home"),
      userHome: Path.join(root, "user"),
      extraRoots: [],
      switches: [],
      ...rest
    })
    const short = (path: string) => Path.relative(root, path)
    return {
      skills: skills.map(({ description, enabled, name, path, scope }) => [
        name,
        scope,
        enabled,
        description,
        short(path)
      ]),
      errors: errors.map(({ message, path }) => [short(path), message])
    }
  }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, NodeSmallFiles.layer]))

const skill = (name: string, description = "d") => `---\nname: ${name}\ndescription: ${description}\n---\nbody\n`

describe("skills", () => {
  it.effect("are those of the project first, then those of the user, by name", () =>
    Effect.gen(function* () {
      const found = yield* listed({
        ".git/HEAD": "",
        "work/.codex/skills/b/SKILL.md": skill("b"),
        "work/.agents/skills/c/SKILL.md": skill("c"),
        ".agents/skills/above/SKILL.md": skill("above"),
        "home/skills/deep/er/SKILL.md": skill("deeper"),
        "user/.agents/skills/a/SKILL.md": skill("a", ">-\n  two\n  lines")
      })
      assert.deepStrictEqual(found, {
        skills: [
          ["above", "repo", true, "d", ".agents/skills/above/SKILL.md"],
          ["b", "repo", true, "d", "work/.codex/skills/b/SKILL.md"],
          ["c", "repo", true, "d", "work/.agents/skills/c/SKILL.md"],
          ["a", "user", true, "two lines", "user/.agents/skills/a/SKILL.md"],
          ["deeper", "user", true, "d", "home/skills/deep/er/SKILL.md"]
        ],
        errors: []
      })
    })
  )

  it.effect("above the root of the project are not listed", () =>
    Effect.gen(function* () {
      const found = yield* listed({ ".agents/skills/above/SKILL.md": skill("above"), "work/.git/HEAD": "" })
      assert.deepStrictEqual(found.skills, [])
    })
  )

  it.effect("that are not valid are errors", () =>
    Effect.gen(function* () {
      const found = yield* listed({
        "home/skills/none/SKILL.md": "body",
        "home/skills/nodesc/SKILL.md": "---\nname: x\n---\n",
        "home/skills/broken/SKILL.md": "---\nname: [\n---\n",
        "home/skills/long/SKILL.md": skill("n".repeat(65)),
        "home/skills/folder/SKILL.md": "---\ndescription: named by its folder\n---\n",
        "home/skills/.hidden/SKILL.md": skill("hidden")
      })
      assert.deepStrictEqual(found, {
        skills: [["folder", "user", true, "named by its folder", "home/skills/folder/SKILL.md"]],
        errors: [
          ["home/skills/broken/SKILL.md", "missing field `description`"],
          ["home/skills/long/SKILL.md", "invalid name: exceeds maximum length of 64 characters"],
          ["home/skills/nodesc/SKILL.md", "missing field `description`"],
          ["home/skills/none/SKILL.md", "missing YAML frontmatter delimited by ---"]
        ]
      })
    })
  )

  it.effect("are found once, also through links that lead back", () =>
    Effect.gen(function* () {
      const found = yield* listed(
        { "elsewhere/li/SKILL.md": skill("linked"), "home/skills/x": "" },
        {
          prepare: (root) => {
            Fs.symlinkSync(Path.join(root, "elsewhere/li"), Path.join(root, "home/skills/one"))
            Fs.symlinkSync(Path.join(root, "elsewhere/li"), Path.join(root, "home/skills/two"))
            Fs.symlinkSync(Path.join(root, "home"), Path.join(root, "home/skills/loop"))
          }
        }
      )
      assert.deepStrictEqual(found.skills, [["linked", "user", true, "d", "elsewhere/li/SKILL.md"]])
    })
  )

  it.effect("are off by path or by name", () =>
    Effect.gen(function* () {
      const files = { "home/skills/a/SKILL.md": skill("a"), "home/skills/b/SKILL.md": skill("b") }
      const off = (switches: ReadonlyArray<Skills.Switch>) =>
        Effect.map(listed(files, { switches }), ({ skills }) => skills.map(([name, , enabled]) => [name, enabled]))
      assert.deepStrictEqual(yield* off([{ name: "b", enabled: false }]), [
        ["a", true],
        ["b", false]
      ])
      assert.deepStrictEqual(yield* off([{ path: "/other/a/SKILL.md", enabled: false }]), [
        ["a", true],
        ["b", true]
      ])
    })
  )
})
