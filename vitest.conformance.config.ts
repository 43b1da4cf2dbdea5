import { defineConfig } from "vitest/config"

/** Needs the released server's binary, which the first run installs: minutes, not seconds. */
export default defineConfig({
  test: {
    include: ["test/conformance/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 600_000
  }
})
