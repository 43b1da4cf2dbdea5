import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as ConfigHandlers from "../../../src/layers/handlers/Config.ts"
import * as Config from "../../../src/services/config/Config.ts"
import { FileReplacement } from "../../../src/services/config/FileReplacement.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { call } from "../../support/Requests.ts"

const userFile = "/home/ada/.spindle/config.toml"

const handlersOf = (files: MemoryFiles.MemoryFiles, options: Partial<Config.ConfigOptions> = {}) =>
  ConfigHandlers.make.pipe(
    Effect.provide(
      Config.layer({ home: "/home/ada/.spindle", cwd: "/srv", environment: {}, ...options }).pipe(
        Layer.provide(files.layer)
      )
    ),
    Effect.provideService(FileReplacement, {
      replace: (path, text) => Effect.sync(() => files.write(path, text)),
      remove: (path) => Effect.sync(() => files.remove(path))
    })
  )

const handlers = (files: Readonly<Record<string, string>>, options: Partial<Config.ConfigOptions> = {}) =>
  handlersOf(MemoryFiles.make(files), options)

/** The error that the client gets. */
const refusal = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure : "answered"))

const answer = (code: number, message: string) => ({ _tag: "RequestError" as const, code, message })

describe("config/read", () => {
  it.effect("answers in the protocol's shape, with layers on demand", () =>
    Effect.gen(function* () {
      const served = yield* handlers({
        [userFile]: 'model = "m"\n[apps.x]\nenabled = true\n[tools]\nweb_search = {}\n'
      })
      const plain = yield* call(served, "config/read", {})
      const full = yield* call(served, "config/read", { includeLayers: true, cwd: null })
      assert.deepStrictEqual(
        [Object.keys(plain), Object.keys(full)],
        [
          ["config", "origins"],
          ["config", "origins", "layers"]
        ]
      )
      if (!("config" in full)) return
      const { apps, model, tools } = full.config
      assert.deepStrictEqual(
        { apps, model, tools },
        {
          apps: { _default: null, x: { enabled: true } },
          model: "m",
          tools: { web_search: { context_size: null, allowed_domains: null, location: null } }
        }
      )
    })
  )

  it.effect.each([
    [
      "is no TOML",
      "model = \n",
      `failed to read configuration layers: ${userFile}:1:9: string values must be quoted, expected literal string`
    ],
    [
      "is of the wrong kind",
      "model = 5\n",
      "invalid configuration: invalid type: integer `5`, expected a string\nin `model`\n"
    ],
    [
      "has a section that clients cannot read",
      "[computer_use]\nmacos = 3\n",
      "invalid configuration: a section does not have the shape that the protocol defines"
    ]
  ] as const)("reports with the release's text when the file %s", ([, text, message]) =>
    Effect.gen(function* () {
      const served = yield* handlers({ [userFile]: text })
      assert.deepInclude(yield* refusal(call(served, "config/read", {})), answer(-32603, message))
    })
  )
})

describe("configRequirements/read", () => {
  it.effect("returns null without requirements, and every requirement by name otherwise", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* call(yield* handlers({}), "configRequirements/read", undefined), {
        supportsIndependentSpeedModes: true,
        requirements: null
      })
      const demanded = yield* call(
        yield* handlers({
          "/etc/codex/requirements.toml": [
            'allowed_sandbox_modes = ["read-only", "external-sandbox"]',
            'allowed_approval_policies = ["on-failure"]',
            'allowed_web_search_modes = ["cached"]',
            'allowed_login_methods = ["api"]',
            "[features]",
            "x = true",
            "[models.new_thread]",
            'model = "m"',
            "[feedback]"
          ].join("\n")
        }),
        "configRequirements/read",
        undefined
      )
      const requirements = "requirements" in demanded ? demanded.requirements : null
      assert.deepStrictEqual(
        Object.fromEntries(Object.entries(requirements ?? {}).filter(([, value]) => value !== null)),
        {
          allowedSandboxModes: ["read-only"],
          allowedApprovalPolicies: ["on-request"],
          allowedWebSearchModes: ["cached", "disabled"],
          allowedLoginMethods: ["api"],
          featureRequirements: { x: true },
          models: { newThread: { model: "m", modelReasoningEffort: null, serviceTier: null } },
          feedback: { enabled: null }
        }
      )
    })
  )

  it.effect("passes on the cloud's advice about its failure", () =>
    Effect.gen(function* () {
      const data = {
        reason: "cloudRequirements",
        errorCode: "auth",
        action: "relogin",
        statusCode: 401,
        detail: "expired"
      }
      const error = new Config.ConfigError({ reason: "requirements", location: "", detail: "expired", data })
      const served = yield* handlers({}, { cloudRequirements: Effect.fail(error) })
      assert.deepInclude(yield* refusal(call(served, "configRequirements/read", undefined)), {
        ...answer(-32603, "failed to read configuration layers: expired"),
        data
      })
    })
  )
})
