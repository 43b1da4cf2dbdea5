#!/usr/bin/env node
/**
 * The program: looks at the Node it runs on, then at what it was asked to do. What it does is in `program/`.
 *
 * Nothing but Node's own modules is imported here before that look, and nothing newer than an old Node can read is written:
 * a Node that is too old must get as far as the sentence that says so.
 *
 * @module
 */
import module from "node:module"
import process from "node:process"

// Node opens a debugger at this signal: anybody who may send one could run code in the server. A listener takes its place.
// What remains is the moment before this line; `node --disable-sigusr1` closes it.
if (process.platform !== "win32") process.on("SIGUSR1", () => undefined)

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`spindle needs Node 22.19 or newer; this is Node ${process.versions.node}.\n`)
  process.exitCode = 1
} else {
  // Compiled code is kept between starts; that is a third of the time until the first answer.
  module.enableCompileCache?.()
  const args = process.argv.slice(2)
  const { listen } = await import("./program/EarlyAnswer.ts")
  const early = await listen(args)
  const { main } = await import("./program/Main.ts")
  main(args, early)
}
