/**
 * A request with which clients test the experimental capability.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { named, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

export const MockExperimentalMethodParams = lazy(() =>
  named("MockExperimentalMethodParams", { value: optional(Schema.String) })
)
export type MockExperimentalMethodParams = Of<typeof MockExperimentalMethodParams>

/** The value of the request. */
export const MockExperimentalMethodResponse = lazy(() => Schema.Struct({ echoed: nullable(Schema.String) }))
export type MockExperimentalMethodResponse = Of<typeof MockExperimentalMethodResponse>
