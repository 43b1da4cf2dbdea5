/**
 * The execution environments of a thread and their capability roots.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** An environment of a thread as the server reports it. Paths are in the environment's own notation. */
export const ThreadEnvironment = lazy(() =>
  Schema.Struct({
    environmentId: Schema.String,
    cwd: Schema.String,
    runtimeWorkspaceRoots: Schema.Array(Schema.String)
  })
)
export type ThreadEnvironment = Of<typeof ThreadEnvironment>

/** An environment that a client requests. Default for the roots: the working directory only. */
export const TurnEnvironmentParams = lazy(() =>
  Schema.Struct({
    environmentId: Schema.String,
    cwd: Schema.String,
    runtimeWorkspaceRoots: optional(Schema.Array(Schema.String))
  }).annotate({ identifier: "TurnEnvironmentParams" })
)
export type TurnEnvironmentParams = Of<typeof TurnEnvironmentParams>

/** A folder in an environment that provides skills and similar capabilities to a thread. */
export const CapabilityRootLocation = lazy(() =>
  Schema.Struct({ type: Schema.Literal("environment"), environmentId: Schema.String, path: Schema.String }).annotate({
    identifier: "CapabilityRootLocation"
  })
)
export type CapabilityRootLocation = Of<typeof CapabilityRootLocation>

/** A capability root that the client selected, with the client's own id. */
export const SelectedCapabilityRoot = lazy(() =>
  Schema.Struct({ id: Schema.String, location: CapabilityRootLocation() }).annotate({
    identifier: "SelectedCapabilityRoot"
  })
)
export type SelectedCapabilityRoot = Of<typeof SelectedCapabilityRoot>
