/**
 * The built library with the types of its source, as an embedding program imports it.
 */
import type * as Library from "../../src/index.ts"

const built = new URL("../../dist/index.js", import.meta.url)

export const load = (): Promise<typeof Library> => import(built.href)
