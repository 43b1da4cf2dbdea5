/**
 * The tarball that would be published, and the project that the checks install it into.
 *
 * @module
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { succeed } from "./Processes.ts"

/** The folder of this repository. */
export const root = new URL("../..", import.meta.url).pathname

/** What npm reports about the tarball. Sizes are in bytes. */
export interface Tarball {
  readonly path: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: ReadonlyArray<{ readonly path: string }>
}

/** An empty folder. */
export const emptyFolder = (path: string): string => {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  return path
}

/** Builds and packs the package into `folder`. */
export const pack = (folder: string): Tarball => {
  const reports = JSON.parse(succeed(root, ["npm", "pack", "--json", "--pack-destination", folder])) as
    | ReadonlyArray<Tarball & { readonly filename: string }>
    | Readonly<Record<string, Tarball & { readonly filename: string }>>
  const [report] = Object.values(reports)
  if (report === undefined) throw new Error("npm pack did not report a tarball")
  return { ...report, path: join(folder, report.filename) }
}

/** The strictest reading of a package's types: those of its dependencies are checked too. */
const compilerOptions = {
  target: "ES2024",
  module: "NodeNext",
  moduleResolution: "NodeNext",
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
  allowImportingTsExtensions: true,
  types: ["node"]
}

/** Makes an empty folder a project with a strict `tsconfig.json`. */
export const makeProject = (folder: string): void => {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }))
}

/** The program in the README, which runs a turn of the offline model. */
export const readmeProgram = (): string => {
  const readme = readFileSync(join(root, "README.md"), "utf8")
  const blocks = Array.from(readme.matchAll(/^```ts\n(.*?)^```/gms), ([, code = ""]) => code)
  const program = blocks.find((code) => code.includes("runMain"))
  if (program === undefined) throw new Error("README.md has no program")
  return program
}

/** Writes the README's program and the packed examples into a project that has the package. */
export const addPrograms = (project: string): void => {
  writeFileSync(join(project, "readme.ts"), readmeProgram())
  const examples = join(project, "node_modules/spindle-app-server/examples")
  for (const file of readdirSync(examples)) {
    if (file.endsWith(".ts")) copyFileSync(join(examples, file), join(project, file))
  }
}

/** What the README's program printed when its turn ended. */
export const isEndOfTurn = (stdout: string): boolean => stdout.includes("turn/completed")
