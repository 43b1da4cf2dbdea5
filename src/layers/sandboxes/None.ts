/**
 * The adapter for a machine without a sandbox: it only runs commands whose policy needs none.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Sandbox, SandboxUnavailable } from "../../services/sandbox/Sandbox.ts"
import { files } from "./Files.ts"

/** `readOnly` and `workspaceWrite` fail with `SandboxUnavailable`: a command is never reported as confined when it is not. */
export const layer: Layer.Layer<Sandbox> = Layer.succeed(
  Sandbox,
  Sandbox.of({
    confine: (command, policy) =>
      policy.type === "readOnly" || policy.type === "workspaceWrite"
        ? Effect.fail(new SandboxUnavailable({ policy: policy.type, reason: "the server was built without one" }))
        : Effect.succeed(command),
    files: files({ protect: [] }),
    report: Effect.succeed({ used: "none", findings: [] })
  })
)
