/**
 * The state of the server process. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { emptyParams, nullable, U32, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

export const ServerDiagnosticsParams = emptyParams("ServerDiagnosticsParams")
export type ServerDiagnosticsParams = Of<typeof ServerDiagnosticsParams>

/** The process and the server's gauges. Memory is in bytes, null where it is not measured. */
export const ServerDiagnosticsResponse = lazy(() =>
  Schema.Struct({
    process: Schema.Struct({
      id: U32,
      residentMemoryBytes: nullable(U64),
      physicalFootprintBytes: nullable(U64)
    }),
    gauges: Schema.Array(Schema.Struct({ name: Schema.String, value: U64 }))
  })
)
export type ServerDiagnosticsResponse = Of<typeof ServerDiagnosticsResponse>
