import { symlinkSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Platform from "../../../src/layers/sandboxes/Platform.ts"
import { probe } from "../../../src/layers/sandboxes/Probe.ts"
import * as Config from "../../../src/services/config/Config.ts"
import { Sandbox, SandboxUnavailable } from "../../../src/services/sandbox/Sandbox.ts"
import { folders, readOnly, workspaceWrite } from "./Attempt.ts"

const command = { executable: "/bin/true", args: [], cwd: "/", env: {} }

const quiet = Logger.layer([])

describe("the sandbox of a machine", () => {
  it.effect("leaves commands alone whose policy needs none, and tries nothing for them", () =>
    Effect.gen(function* () {
      const { confine } = yield* Sandbox
      const policies = [{ type: "dangerFullAccess" }, { type: "externalSandbox", networkAccess: "enabled" }] as const
      const confined = yield* Effect.forEach(policies, (policy) => confine(command, policy, "/"))
      assert.deepStrictEqual(confined, [command, command])
    }).pipe(Effect.provide(Platform.layer({ names: Effect.die("it is not tried") })))
  )

  it.live("fails with the reasons when none works", () =>
    Effect.gen(function* () {
      const { confine, report } = yield* Sandbox
      const failure = yield* Effect.flip(confine(command, readOnly, "/"))
      assert.deepStrictEqual(
        failure,
        new SandboxUnavailable({ policy: "readOnly", reason: "the configuration permits none" })
      )
      assert.deepStrictEqual(yield* report, { used: "none", findings: [] })
    }).pipe(Effect.provide(Layer.provide(Platform.layer({ names: [] }), quiet)))
  )

  const choices: ReadonlyArray<readonly [sandbox: string | undefined, tried: ReadonlyArray<string>]> = [
    ["bubblewrap", ["bubblewrap"]],
    ["landlock", ["landlock"]],
    ["none", []],
    ["another", []]
  ]
  it.live.each(choices)("tries only what the configuration permits: %s", ([sandbox, tried]) =>
    Effect.gen(function* () {
      const { report } = yield* Sandbox
      assert.deepStrictEqual(
        (yield* report).findings.map(({ name }) => name),
        tried
      )
    }).pipe(
      Effect.provide(
        Platform.configured({ environment: process.env }).pipe(
          Layer.provide(Config.layerTest({ effective: { settings: { spindle: { sandbox } } } })),
          Layer.provide(quiet)
        )
      )
    )
  )

  it.live("does not confine a command when a protected name is a link", () =>
    Effect.gen(function* () {
      const { confine, report } = yield* Sandbox
      const at = yield* folders
      yield* Effect.sync(() => symlinkSync(at.outside, join(at.work, ".codex")))
      const { reason } = yield* Effect.flip(confine(command, workspaceWrite, at.work))
      const { used } = yield* report
      const expected = `${join(at.work, ".codex")} is a symbolic link in a writable folder, so it cannot be protected`
      assert.strictEqual(reason, used === "none" ? reason : expected)
    }).pipe(Effect.provide(Layer.provide(Platform.layer({ environment: process.env }), quiet)))
  )
})

describe("the probe of a sandbox", () => {
  it.live("names everything that a sandbox does not enforce", () =>
    Effect.gen(function* () {
      const found = yield* probe((command) => command, { seesProcesses: true })
      assert.match(String(found), /^it does not enforce: outside is kept, protected is kept, missing is kept,/)
      assert.match(String(found), /, environment is kept, signals are kept$/)
    })
  )

  it.live("reports the error of a program that does not start", () =>
    Effect.gen(function* () {
      const found = yield* probe(
        () => ({ ...command, args: ["-c", "echo 'no namespaces' >&2; exit 1"], executable: "/bin/sh" }),
        { seesProcesses: false }
      )
      assert.strictEqual(found, "no namespaces")
      const absent = yield* probe(() => ({ ...command, executable: "/no/such" }), { seesProcesses: false })
      assert.match(String(absent), /ENOENT/)
    })
  )
})
