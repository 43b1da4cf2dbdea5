/**
 * The library as it was built, with the types of its source: what an embedding program imports.
 */
import type * as Library from "../../src/index.ts"

const built = new URL("../../dist/index.js", import.meta.url)

export const load = (): Promise<typeof Library> => import(built.href)
