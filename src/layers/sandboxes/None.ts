/**
 * A machine without a sandbox: commands run as they are where the policy needs no confinement, and nothing else does.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Sandbox, SandboxUnavailable } from "../../services/sandbox/Sandbox.ts"

/** `readOnly` and `workspaceWrite` fail with `SandboxUnavailable`: nothing is passed off as confined. */
export const layer: Layer.Layer<Sandbox> = Layer.succeed(
  Sandbox,
  Sandbox.of({
    confine: (command, policy) =>
      policy.type === "readOnly" || policy.type === "workspaceWrite"
        ? Effect.fail(new SandboxUnavailable({ policy: policy.type }))
        : Effect.succeed(command)
  })
)
