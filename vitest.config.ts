import { configDefaults, defineConfig } from "vitest/config"

/** The comparison with the released server needs its binary: run `npm run conformance`, or set CODEX_BIN. */
const conformance = process.env["CODEX_BIN"] === undefined ? ["test/conformance/**"] : []

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...conformance]
  }
})
