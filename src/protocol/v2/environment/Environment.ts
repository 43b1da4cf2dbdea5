/**
 * Environments: the machines on which threads run commands. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { named, nullable, optional, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/**
 * `authBearerToken` and `websocketRequestId` need a secure connection or a loopback address. `connectTimeoutMs` has a default
 * of the server's.
 */
export const EnvironmentAddParams = lazy(() =>
  named("EnvironmentAddParams", {
    environmentId: Schema.String,
    execServerUrl: Schema.String,
    authBearerToken: optional(Schema.String),
    websocketRequestId: optional(Schema.String),
    connectTimeoutMs: optional(U64),
    skills: optional(named("EnvironmentSkillsParams", { required: optional(Schema.Array(Schema.String)) }))
  })
)
export type EnvironmentAddParams = Of<typeof EnvironmentAddParams>

export const EnvironmentInfoParams = lazy(() => named("EnvironmentInfoParams", { environmentId: Schema.String }))
export type EnvironmentInfoParams = Of<typeof EnvironmentInfoParams>

/** The shell and the default working folder of an environment. `cwd` is a `file:` URI. */
export const EnvironmentInfoResponse = lazy(() =>
  Schema.Struct({
    shell: Schema.Struct({ name: Schema.String, path: Schema.String }),
    cwd: nullable(Schema.String)
  })
)
export type EnvironmentInfoResponse = Of<typeof EnvironmentInfoResponse>

export const EnvironmentStatusParams = lazy(() => named("EnvironmentStatusParams", { environmentId: Schema.String }))
export type EnvironmentStatusParams = Of<typeof EnvironmentStatusParams>

/** The state as it is; the request neither connects nor reconnects. */
export const EnvironmentStatusResponse = lazy(() =>
  Schema.Struct({
    status: Schema.Literals(["ready", "pending", "disconnected", "unknown"]),
    error: optional(Schema.String)
  })
)
export type EnvironmentStatusResponse = Of<typeof EnvironmentStatusResponse>
