import { fileURLToPath } from "node:url"
import { configDefaults, defineConfig } from "vitest/config"

/** The comparison with the released server needs its binary: run `npm run conformance`, or set CODEX_BIN. */
const conformance = process.env["CODEX_BIN"] === undefined ? ["test/conformance/**"] : []

export default defineConfig({
  test: {
    // Examples import the package by its name. Tests use its sources.
    alias: [{ find: /^spindle-app-server$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) }],
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...conformance]
  }
})
