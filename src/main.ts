#!/usr/bin/env node
/**
 * The program: checks the Node version, then executes the command line. The implementation is in `program/`.
 *
 * Before the check, this module imports only Node's own modules and uses only syntax that an old Node can parse, so that an
 * old Node can print the error.
 *
 * @module
 */
import module from "node:module"
import process from "node:process"

// Node opens a debugger on this signal, so anyone who may send it could run code in the server. A listener replaces the
// default. The moment before this line remains; `node --disable-sigusr1` closes it.
if (process.platform !== "win32") process.on("SIGUSR1", () => undefined)

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`spindle needs Node 22.19 or newer; this is Node ${process.versions.node}.\n`)
  process.exitCode = 1
} else {
  // Compiled code is cached between starts, which saves a third of the time to the first response.
  module.enableCompileCache?.()
  const args = process.argv.slice(2)
  const { listen } = await import("./program/EarlyAnswer.ts")
  const early = await listen(args)
  const { main } = await import("./program/Main.ts")
  main(args, early)
}
