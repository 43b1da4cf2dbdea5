import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  home,
  over,
  overFiles,
  project,
  rules,
  system,
  trust,
  user,
  userFile,
  workspace
} from "../../support/Configs.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"

describe("layers", () => {
  const files = {
    "/etc/codex/config.toml": 'model = "system"\nmodel_verbosity = "low"\nreview_model = "r"\n',
    [userFile]: `model = "user"\nmodel_reasoning_effort = "low"\nmodel_verbosity = "high"\n${trust("trusted")}`,
    [`${project}/.git/HEAD`]: "ref: refs/heads/main\n",
    [`${project}/.codex/config.toml`]: 'model_reasoning_effort = "medium"\nmodel = "project"\ninstructions = "i"\n',
    [`${project}/sub/.codex/config.toml`]: 'model_reasoning_effort = "high"\n',
    "/etc/codex/managed_config.toml": 'instructions = "managed"\n'
  }
  const cliOverrides = [
    ["model", "flag"],
    ["foo.bar", [1, { z: 2 }]]
  ] as const

  it.effect("take precedence from the system up to the managed file, with a project's nearest folder first", () =>
    over(
      files,
      (config) =>
        Effect.gen(function* () {
          const read = yield* config.read({ includeLayers: true, cwd: `${project}/sub/deep` })
          assert.deepStrictEqual(
            read.layers?.map(({ config, name }) => ({ name, config })),
            [
              {
                name: { type: "legacyManagedConfigTomlFromFile", file: "/etc/codex/managed_config.toml" },
                config: { instructions: "managed" }
              },
              { name: { type: "sessionFlags" }, config: { model: "flag", foo: { bar: [1, { z: 2 }] } } },
              {
                name: { type: "project", dotCodexFolder: `${project}/sub/.codex` },
                config: { model_reasoning_effort: "high" }
              },
              {
                name: { type: "project", dotCodexFolder: `${project}/.codex` },
                config: { model_reasoning_effort: "medium", model: "project", instructions: "i" }
              },
              {
                name: user,
                config: {
                  model: "user",
                  model_reasoning_effort: "low",
                  model_verbosity: "high",
                  projects: { [project]: { trust_level: "trusted" } }
                }
              },
              { name: system, config: { model: "system", model_verbosity: "low", review_model: "r" } }
            ]
          )
          assert.deepStrictEqual(
            Object.fromEntries(Object.entries(read.origins).map(([key, { name }]) => [key, name.type])),
            {
              model: "sessionFlags",
              model_verbosity: "user",
              review_model: "system",
              model_reasoning_effort: "project",
              [`projects.${project}.trust_level`]: "user",
              instructions: "legacyManagedConfigTomlFromFile",
              "foo.bar.0": "sessionFlags",
              "foo.bar.1.z": "sessionFlags"
            }
          )
          const { instructions, model, model_reasoning_effort, model_verbosity, review_model, foo } = read.config
          assert.deepStrictEqual(
            { instructions, model, model_reasoning_effort, model_verbosity, review_model, foo },
            {
              instructions: "managed",
              model: "flag",
              model_reasoning_effort: "high",
              model_verbosity: "high",
              review_model: "r",
              foo: undefined
            }
          )
        }),
      { cliOverrides }
    )
  )

  it.effect("leave the project out of config/read unless a folder is given", () =>
    over(files, (config) =>
      Effect.gen(function* () {
        const read = yield* config.read({ includeLayers: true })
        assert.deepStrictEqual(
          read.layers?.map(({ name }) => name.type),
          ["legacyManagedConfigTomlFromFile", "user", "system"]
        )
        assert.isFalse("layers" in (yield* config.read({})))
      })
    )
  )

  it.effect("are overridden by a request, with dotted keys and with members", () =>
    over(
      files,
      (config) =>
        Effect.gen(function* () {
          const overrides = { model: "override", "sandbox_workspace_write.network_access": true, model_verbosity: null }
          const one = yield* config.effective({ cwd: project, overrides })
          assert.strictEqual(one.model, "override")
          assert.deepStrictEqual(one.sandboxPolicy, { ...workspace, networkAccess: true })
          const requested = { model: "requested", sandbox: "read-only", approvalPolicy: "untrusted" } as const
          const two = yield* config.effective({ cwd: project, overrides, requested })
          assert.strictEqual(two.model, "requested")
          assert.deepStrictEqual(rules(two), {
            activePermissionProfile: null,
            approvalPolicy: "untrusted",
            sandbox: "readOnly"
          })
        }),
      { cliOverrides }
    )
  )

  it.effect("have a version that depends on their settings only, computed as in the release", () =>
    Effect.gen(function* () {
      const version = (text: string) =>
        over({ [userFile]: text }, (config) =>
          Effect.map(config.read({ includeLayers: true }), (read) => read.layers?.[0]?.version)
        )
      const one = yield* version('model_reasoning_effort = "high"\n')
      assert.strictEqual(one, "sha256:9f62d11aab3f8b5b21f3d072462d90fca216aa763e6e6e37800257691da7f867")
      assert.strictEqual(yield* version('# a comment\nmodel_reasoning_effort="high"'), one)
      assert.notStrictEqual(yield* version('model_reasoning_effort = "low"\n'), one)
      assert.strictEqual(yield* version('b = 1\n[a]\nx = "y"\n'), yield* version('a = { x = "y" }\nb = 1\n'))
    })
  )

  it.effect("resolve relative paths against the file they are written in, and ~ against the user's home", () =>
    over(
      {
        [userFile]: `[sandbox_workspace_write]\nwritable_roots = ["rel", "~/x", "/abs"]\n${trust("trusted")}`,
        [`${project}/.codex/config.toml`]: 'log_dir = "logs"\n'
      },
      (config) =>
        Effect.gen(function* () {
          const { sandboxPolicy, settings } = yield* config.effective({ cwd: project, overrides: {} })
          assert.deepStrictEqual(sandboxPolicy, {
            ...workspace,
            writableRoots: [`${home}/rel`, "/home/ada/x", "/abs"]
          })
          assert.strictEqual(settings["log_dir"], `${project}/.codex/logs`)
          const overridden = yield* config.effective({
            cwd: "sub",
            overrides: { "sandbox_workspace_write.writable_roots": ["rel"], sandbox_mode: "workspace-write" }
          })
          assert.deepStrictEqual(overridden.sandboxPolicy, { ...workspace, writableRoots: [`${project}/sub/rel`] })
        })
    )
  )

  it.effect("are read again only when a file has changed", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make({ [userFile]: 'model = "a"\n' })
      yield* overFiles(files, (config) =>
        Effect.gen(function* () {
          const model = Effect.map(config.effective({ cwd: null, overrides: {} }), (effective) => effective.model)
          assert.strictEqual(yield* model, "a")
          assert.strictEqual(yield* model, "a")
          assert.deepStrictEqual(files.reads, [userFile])
          files.write(userFile, 'model = "b"\n')
          assert.strictEqual(yield* model, "b")
          assert.deepStrictEqual(files.reads, [userFile, userFile])
          files.remove(userFile)
          assert.strictEqual(yield* model, null)
        })
      )
    })
  )
})
