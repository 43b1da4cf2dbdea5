import { assert, describe, it } from "@effect/vitest"
import { isPlainService } from "../../src/program/PlainService.ts"

describe("the command lines of the plain service", () => {
  it.each<[ReadonlyArray<string>, boolean, boolean]>([
    [[], false, true],
    [["app-server"], false, true],
    [["app-server"], true, true],
    [["app-server", "--listen", "stdio://"], false, true],
    [["--listen", "stdio://"], true, true],
    [["app-server", "--listen", "unix://"], false, false],
    [["exec"], false, false],
    // On a terminal the program shows its help instead of waiting for a client.
    [[], true, false]
  ])("%j, with a terminal %s: %s", (args, isTerminal, expected) => {
    assert.strictEqual(isPlainService(args, isTerminal), expected)
  })
})
