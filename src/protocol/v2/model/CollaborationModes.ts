/**
 * The collaboration modes that a client can offer. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { emptyParams, nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { ModeKind, ReasoningEffort } from "../thread/Settings.ts"

export const CollaborationModeListParams = emptyParams("CollaborationModeListParams")
export type CollaborationModeListParams = Of<typeof CollaborationModeListParams>

/** A mode with the settings that it changes; null leaves a setting as it is. The protocol uses an underscore here. */
export const CollaborationModeMask = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    mode: nullable(ModeKind()),
    model: nullable(Schema.String),
    reasoning_effort: nullable(ReasoningEffort())
  })
)
export type CollaborationModeMask = Of<typeof CollaborationModeMask>

export const CollaborationModeListResponse = lazy(() => Schema.Struct({ data: Schema.Array(CollaborationModeMask()) }))
export type CollaborationModeListResponse = Of<typeof CollaborationModeListResponse>
