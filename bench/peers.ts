/**
 * The peers, installed in the bench's own folder: they are not dependencies of the repository.
 */
import { execFile } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import process from "node:process"
import { promisify } from "node:util"
import type { Missing } from "./figure.ts"

const packages = { "@openai/codex": "0.169.0", "@modelcontextprotocol/sdk": "1.32.2" }

export type Package = keyof typeof packages

/** Time limit of one installation in milliseconds. */
const Patience = 300_000

const folderOf = (cache: string, name: Package): string => Path.join(cache, "peers", name.replace("/", "+"))

/** Installs a peer if it is missing. Returns its `node_modules`, or why it cannot be installed. */
export const install = async (cache: string, name: Package): Promise<string | Missing> => {
  const version = packages[name]
  const folder = Path.join(folderOf(cache, name), version)
  const modules = Path.join(folder, "node_modules")
  const done = Path.join(folder, "installed")
  if (existsSync(done)) return modules
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(Path.join(folder, "package.json"), '{"private":true}\n')
    const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", `${name}@${version}`]
    await promisify(execFile)("npm", args, { cwd: folder, timeout: Patience, shell: process.platform === "win32" })
    await writeFile(done, "")
    return modules
  } catch {
    return { missing: `${name}@${version} could not be installed` }
  }
}

export interface Codex {
  /** The released command: a Node script that starts the binary. */
  readonly launcher: string
  /** The binary itself, which all other figures measure. */
  readonly binary: string
}

/** The location of the released server. */
export const codex = async (cache: string): Promise<Codex | Missing> => {
  const modules = await install(cache, "@openai/codex")
  if (typeof modules !== "string") return modules
  const vendor = Path.join(modules, "@openai", `codex-${process.platform}-${process.arch}`, "vendor")
  const target = existsSync(vendor) ? readdirSync(vendor)[0] : undefined
  if (target === undefined) return { missing: "no codex for this platform" }
  const name = process.platform === "win32" ? "codex.exe" : "codex"
  return {
    launcher: Path.join(modules, "@openai", "codex", "bin", "codex.js"),
    binary: Path.join(vendor, target, "bin", name)
  }
}
