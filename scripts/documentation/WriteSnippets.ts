/**
 * Writes the blocks as modules into a folder that `tsconfig.json` includes, so that `npm run typecheck` compiles them with
 * everything else.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./PublicApi.ts"
import { moduleOf, snippets } from "./Snippets.ts"

const folder = join(root, ".scratch/snippets")
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const snippet of snippets()) {
  writeFileSync(join(folder, `${snippet.place.replaceAll(/[/:]/g, "_")}.ts`), moduleOf(snippet))
}
