/**
 * Test suites for your own adapters: they check what the server expects of a port.
 *
 * @example
 * ```ts
 * import { it } from "node:test"
 * import * as Effect from "effect/Effect"
 * import { MemoryStore } from "spindle-app-server"
 * import { ThreadStoreSuite } from "spindle-app-server/testing"
 *
 * // With the layer of your store, and with your test runner.
 * for (const { check, name } of ThreadStoreSuite.cases) {
 *   it(name, () => Effect.runPromise(Effect.provide(check, MemoryStore.layer)))
 * }
 * ```
 *
 * @module spindle-app-server/testing
 */
export * as ThreadEvents from "./ThreadEvents.ts"
export * as ThreadStoreSuite from "./ThreadStoreSuite.ts"
