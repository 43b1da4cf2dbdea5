/**
 * Removes the declarations that no entry point of the package reaches.
 *
 * The compiler writes a declaration for each module, also for those of the implementation. Users cannot import them.
 *
 * @module
 */
import { readdirSync, readFileSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>
}

const root = new URL("..", import.meta.url).pathname
const types = join(root, "dist/types")

const reached = new Set<string>()
const visit = (file: string): void => {
  if (reached.has(file)) return
  reached.add(file)
  for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/(?:\bfrom|\bimport)[\s(]*"(\.[^"]+)"/g)) {
    visit(join(dirname(file), specifier.replace(/\.ts$/, ".d.ts")))
  }
}

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest
for (const entry of Object.values(manifest.exports)) if (typeof entry !== "string") visit(join(root, entry.types))

const files = readdirSync(types, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".d.ts"))
for (const file of files) if (!reached.has(join(types, file))) rmSync(join(types, file))
