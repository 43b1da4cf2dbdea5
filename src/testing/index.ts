/**
 * Test suites for your own adapters: they check what the server expects of a port.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { MemoryStore } from "spindle-app-server"
 * import { ThreadStoreSuite } from "spindle-app-server/testing"
 *
 * // Run each case with your test runner, over a new store.
 * for (const { check, name } of ThreadStoreSuite.cases) {
 *   Effect.runPromise(Effect.provide(check, MemoryStore.layer)).then(() => console.log(`ok ${name}`))
 * }
 * ```
 *
 * @module
 */
export * as ThreadEvents from "./ThreadEvents.ts"
export * as ThreadStoreSuite from "./ThreadStoreSuite.ts"
