/**
 * Test suites for your own adapters: they check what the server expects of a port.
 *
 * @module
 */
export * as ThreadEvents from "./ThreadEvents.ts"
export * as ThreadStoreSuite from "./ThreadStoreSuite.ts"
