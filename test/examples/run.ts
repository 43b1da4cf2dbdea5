/**
 * `npm run examples`: runs every example with the built library, and compares what it prints.
 *
 * @module
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { cases, normal } from "./Cases.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), "spindle-examples-"))

let failures = 0
for (const { args, environment, file, name, stderr = "", stdout } of cases) {
  const folder = join(scratch, file)
  mkdirSync(folder, { recursive: true })
  const ran = spawnSync(
    process.execPath,
    [join("examples", file), ...args.map((arg) => arg.replace("<folder>", folder))],
    {
      cwd: root,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: scratch, SPINDLE_HOME: scratch, ...environment },
      timeout: 60_000
    }
  )
  const isRight = ran.status === 0 && normal(ran.stdout) === stdout && normal(ran.stderr) === stderr
  if (!isRight) failures++
  process.stdout.write(`${isRight ? "ok    " : "FAILED"} ${file}: ${name}\n`)
  if (isRight) continue
  const seen = { status: ran.status, stdout: ran.stdout, stderr: ran.stderr, expected: { stdout, stderr } }
  process.stdout.write(`${JSON.stringify(seen, null, 2)}\n`)
}
rmSync(scratch, { recursive: true, force: true })
process.exitCode = failures === 0 ? 0 : 1
