/**
 * Facts about the machine: the platform's name, the home folder.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import process from "node:process"
import type { SessionSource } from "../protocol/v2/thread/Thread.ts"
import type { Machine } from "../services/config/ServerIdentity.ts"
import type { ServerInfo } from "../services/config/ServerInfo.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** The home folder and where its name came from. */
export interface Home {
  readonly path: string
  readonly origin: "SPINDLE_HOME" | "CODEX_HOME" | "~/.spindle" | "~/.codex"
}

const isFolder = (path: string): boolean => Fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/**
 * `SPINDLE_HOME`, else `CODEX_HOME`, else `~/.spindle`; absolute. A user of Codex without a `~/.spindle` gets `~/.codex`. The
 * user's folder is `HOME` of the environment.
 */
export const findHome = (environment: Environment): Home => {
  for (const origin of ["SPINDLE_HOME", "CODEX_HOME"] as const) {
    const folder = environment[origin]
    if (folder !== undefined && folder !== "") return { path: Path.resolve(folder), origin }
  }
  const user = environment["HOME"] ?? environment["USERPROFILE"] ?? Os.homedir()
  const [own, codex] = [Path.resolve(user, ".spindle"), Path.resolve(user, ".codex")]
  return !isFolder(own) && isFolder(codex) ? { path: codex, origin: "~/.codex" } : { path: own, origin: "~/.spindle" }
}

/** The path of `findHome`. */
export const home = (environment: Environment): string => findHome(environment).path

const systems: Readonly<Record<string, string>> = { darwin: "macos", win32: "windows" }

const machines: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" }

/** The Unix link that names the system's time zone. */
const zoneLink = "/etc/localtime"

const zoneName = /\/zoneinfo\/(?:posix\/|right\/)?(.+)$/

/**
 * The zone of the link; without a link, or when `TZ` is set, that of Intl. Intl's first call takes a dozen milliseconds, as
 * long as the rest of a process's first thread/start.
 */
const timeZone = (): string => {
  if (process.env["TZ"] === undefined) {
    try {
      const name = zoneName.exec(Fs.readlinkSync(zoneLink))?.[1]
      if (name !== undefined) return name
    } catch {
      // There is no link.
    }
  }
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** The getters of a date use the machine's zone; `Intl` would take ten milliseconds. */
const localDate = (millis: number): string => {
  const date = new Date(millis)
  const part = (value: number) => String(value).padStart(2, "0")
  return `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())}`
}

/** The current platform. */
export const machine = (): Machine => {
  const { platform, arch } = process
  return {
    platform: `${Os.type()} ${Os.release()}; ${machines[arch] ?? arch}`,
    platformFamily: platform === "win32" ? "windows" : "unix",
    platformOs: systems[platform] ?? platform
  }
}

/** The server's facts for `initialize` on this machine. */
export const info = (options: {
  readonly cwd?: string
  readonly sessionSource?: SessionSource
}): ServerInfo["Service"] => {
  let zone: string | undefined
  return {
    sessionSource: options.sessionSource ?? "vscode",
    ...machine(),
    cwd: options.cwd ?? process.cwd(),
    timeZone: () => (zone ??= timeZone()),
    localDate
  }
}
