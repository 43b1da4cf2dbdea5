/**
 * For tests of your own adapters: suites that hold them to what the server expects of a port.
 *
 * @module
 */
export * as ThreadEvents from "./ThreadEvents.ts"
export * as ThreadStoreSuite from "./ThreadStoreSuite.ts"
