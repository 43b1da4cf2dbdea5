/**
 * The licenses of the packages that the program and the library contain.
 *
 * The bundles contain code of other packages, and their licenses require that the notice accompanies a copy. This plugin
 * writes the notices of exactly the packages whose code is in a bundle.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Plugin } from "rolldown"

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
}

/** The folder of the package that a module belongs to, or `undefined` for a module of this repository. */
const packageOf = (id: string): string | undefined =>
  /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replace("\0", ""))?.[1]

const notice = (folder: string): string => {
  const { license, name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${name} has no license file: its code cannot be distributed`)
  const title = `${name} ${version} (${license ?? "see below"})`
  return `${title}\n${"-".repeat(title.length)}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`
}

/** Writes `fileName` into the output folder. */
export const licenses = (fileName: string): Plugin => ({
  name: "licenses",
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((output) => (output.type === "chunk" ? output.moduleIds : []))
    const folders = new Set(modules.flatMap((id) => packageOf(id) ?? []))
    const notices = Array.from(folders).sort().map(notice)
    this.emitFile({ type: "asset", fileName, source: notices.join("\n\n") })
  }
})
