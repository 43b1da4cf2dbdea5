import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import * as Layers from "../../../src/services/config/Layers.ts"

/** A project in which `.codex` is a link to `target`; `outside` and `project/inside` each contain a config.toml. */
const load = Effect.fnUntraced(
  function* (target: string) {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(join(tmpdir(), "spindle-project-")))),
      (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
    )
    const project = join(folder, "project")
    for (const place of [
      join(folder, "outside"),
      join(project, "inside"),
      join(project, "sub"),
      join(project, ".git")
    ]) {
      Fs.mkdirSync(place, { recursive: true })
      Fs.writeFileSync(join(place, "config.toml"), 'model = "m"\n')
    }
    Fs.symlinkSync(target, join(project, "sub/.codex"))
    const layers = yield* Layers.make({
      userFile: join(folder, "home/config.toml"),
      systemFile: join(folder, "none/system.toml"),
      managedFile: join(folder, "none/managed.toml"),
      userHome: undefined,
      cwd: folder,
      flags: []
    })
    const loaded = yield* Effect.result(layers.load({ folder: join(project, "sub"), overrides: {} }))
    return { loaded, file: join(project, "sub/.codex/config.toml"), project }
  },
  Effect.provide(Layer.merge(NodeSmallFiles.layer, Path.layer))
)

it.effect("a project's settings are refused when a link leads outside the project", () =>
  Effect.gen(function* () {
    const { file, loaded } = yield* load("../../outside")
    assert.strictEqual(loaded._tag, "Failure")
    if (loaded._tag === "Failure") {
      assert.include(loaded.failure.message, file)
      assert.include(loaded.failure.message, "it is a link to a file outside the project")
    }
  })
)

it.effect("a project's settings may be behind a link that stays inside the project", () =>
  Effect.gen(function* () {
    const { loaded, project } = yield* load("../inside")
    assert.strictEqual(loaded._tag, "Success")
    if (loaded._tag === "Success") {
      const { layers, projectRules } = loaded.success
      assert.deepStrictEqual(
        layers.filter(({ source }) => source.type === "project").map(({ content }) => content.table),
        [{ model: "m" }]
      )
      assert.deepStrictEqual(
        projectRules.map(({ within }) => within),
        [project, project]
      )
    }
  })
)
