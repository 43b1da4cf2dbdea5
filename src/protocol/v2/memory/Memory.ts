/**
 * What the server remembers of earlier threads. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { named, optional, U32 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** How many consolidated threads make memory ready: 1 to 4 096, by default 20. */
export const MemoryStatusParams = lazy(() => named("MemoryStatusParams", { minConsolidatedThreads: optional(U32) }))
export type MemoryStatusParams = Of<typeof MemoryStatusParams>

export const MemoryStatusResponse = lazy(() => Schema.Struct({ v2ConsolidatedThreads: U32, v2Ready: Schema.Boolean }))
export type MemoryStatusResponse = Of<typeof MemoryStatusResponse>
