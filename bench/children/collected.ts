/**
 * Loaded into this server before its program: on SIGUSR2 it collects garbage and writes the bytes that are left, in the heap
 * and outside of it, to `memory` in the folder for temporary files.
 */
import { renameSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import process from "node:process"

const path = Path.join(process.env["TMPDIR"] ?? "", "memory")

process.on("SIGUSR2", () => {
  globalThis.gc?.()
  const { external, heapUsed } = process.memoryUsage()
  writeFileSync(`${path}.new`, String(heapUsed + external))
  renameSync(`${path}.new`, path)
})
