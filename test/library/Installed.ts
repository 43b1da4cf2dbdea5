/**
 * A project in which the library is installed, for type-checking programs from outside the repository.
 *
 * @module
 */
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { emit } from "./Declarations.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** As strict as users may be, with the declarations of the library checked, too. Those of effect need `DOM`. */
const compilerOptions = {
  target: "ES2024",
  lib: ["ES2024", "DOM", "ESNext.Disposable"],
  module: "NodeNext",
  types: ["node"],
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  allowImportingTsExtensions: true,
  skipLibCheck: false
}

/** Makes the project: the package with its declarations, and its peers. */
export const install = (project: string): void => {
  const modules = join(project, "node_modules")
  const library = join(modules, "spindle-app-server")
  mkdirSync(join(library, "dist"), { recursive: true })
  copyFileSync(join(root, "package.json"), join(library, "package.json"))
  emit(join(library, "dist/types"))
  for (const name of ["effect", "@effect/platform-node", "@types/node"]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, "node_modules", name), join(modules, name))
  }
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }))
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }))
}

/** The errors of the compiler, one each. */
export const check = (project: string): ReadonlyArray<string> => {
  const compiler = join(root, "node_modules/typescript/bin/tsc")
  const { stdout } = spawnSync(process.execPath, [compiler, "-p", "."], { cwd: project, encoding: "utf8" })
  return stdout.split("\n").filter((line) => line.includes("error TS"))
}
