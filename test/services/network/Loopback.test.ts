import { assert, describe, it } from "@effect/vitest"
import { isLoopback } from "../../../src/services/network/Loopback.ts"

describe("isLoopback", () => {
  it.each<[string, boolean]>([
    ["127.0.0.1", true],
    ["127.255.3.4", true],
    ["::1", true],
    ["0:0:0:0:0:0:0:1", true],
    ["0.0.0.0", false],
    ["10.0.0.1", false],
    ["128.0.0.1", false],
    ["::", false],
    ["::ffff:127.0.0.1", false],
    ["fe80::1", false],
    ["localhost", false]
  ])("tells whether %s is a loopback address [49]", (address, expected) => {
    assert.strictEqual(isLoopback(address), expected)
  })
})
