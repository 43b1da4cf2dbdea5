import { defineConfig } from "vitest/config"

/** Needs the released server's binary, which the first run installs; that takes minutes. */
export default defineConfig({
  test: {
    include: ["test/conformance/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 600_000
  }
})
