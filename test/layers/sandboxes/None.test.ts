import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as None from "../../../src/layers/sandboxes/None.ts"
import type { SandboxPolicy } from "../../../src/protocol/v2/thread/Settings.ts"
import { Sandbox, SandboxUnavailable } from "../../../src/services/sandbox/Sandbox.ts"

const command = { executable: "/bin/sh", args: ["-c", "ls"], cwd: "/", env: {} }

const confine = (policy: SandboxPolicy) =>
  Effect.provide(
    Effect.flatMap(Sandbox, (sandbox) => sandbox.confine(command, policy, "/")),
    None.layer
  )

describe("a machine without a sandbox", () => {
  it.effect("does not change commands that need no sandbox", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* confine({ type: "dangerFullAccess" }), command)
      assert.deepStrictEqual(yield* confine({ type: "externalSandbox", networkAccess: "restricted" }), command)
    })
  )

  it.effect("fails for all other commands", () =>
    Effect.gen(function* () {
      const readOnly: SandboxPolicy = { type: "readOnly", networkAccess: false }
      assert.deepStrictEqual(
        yield* Effect.flip(confine(readOnly)),
        new SandboxUnavailable({ policy: "readOnly", reason: "the server was built without one" })
      )
      const workspaceWrite: SandboxPolicy = {
        type: "workspaceWrite",
        writableRoots: [],
        networkAccess: false,
        excludeTmpdirEnvVar: false,
        excludeSlashTmp: false
      }
      assert.deepStrictEqual(
        yield* Effect.flip(confine(workspaceWrite)),
        new SandboxUnavailable({ policy: "workspaceWrite", reason: "the server was built without one" })
      )
    })
  )
})
