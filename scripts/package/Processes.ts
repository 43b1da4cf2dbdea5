/**
 * Runs the tools of the package checks.
 *
 * @module
 */
import { spawnSync } from "node:child_process"

/** What a tool did. */
export interface Ran {
  readonly code: number | null
  /** stdout and stderr, in that order. */
  readonly output: string
  readonly stdout: string
}

/** A tool that does not end is killed after this many milliseconds. */
const timeout = 180_000

/** Runs a command to its end. */
export const run = (cwd: string, [command, ...args]: readonly [string, ...ReadonlyArray<string>]): Ran => {
  const { error, status, stderr, stdout } = spawnSync(command, args, {
    cwd,
    timeout,
    encoding: "utf8",
    env: { ...process.env, npm_config_audit: "false", npm_config_fund: "false", npm_config_loglevel: "error" }
  })
  if (error !== undefined && status === null) throw new Error(`${command} ${args.join(" ")}: ${error.message}`)
  return { code: status, stdout, output: stdout + stderr }
}

/** The output of a command that has to succeed. */
export const succeed = (cwd: string, command: readonly [string, ...ReadonlyArray<string>]): string => {
  const ran = run(cwd, command)
  if (ran.code !== 0) throw new Error(`${command.join(" ")} exited with ${String(ran.code)}:\n${ran.output}`)
  return ran.stdout
}
