import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Version } from "../../../src/services/config/ServerIdentity.ts"

describe("the version", () => {
  it("is the package's", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"))
    assert.strictEqual(Version, version)
  })
})
