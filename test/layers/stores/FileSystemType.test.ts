import { assert, describe, it } from "@effect/vitest"
import * as Os from "node:os"
import * as Path from "node:path"
import { networkAt, networkName } from "../../../src/layers/stores/rollouts/FileSystemType.ts"

describe("the type of a file system", () => {
  it("is that of a network or of this machine, also with a negative number", () => {
    assert.deepStrictEqual([0x6969, 0xff534d42, 0xff534d42 | 0, 0xef53, 0x01021994].map(networkName), [
      "NFS",
      "CIFS",
      "CIFS",
      undefined,
      undefined
    ])
  })

  it("is that of the nearest folder that exists", () => {
    assert.strictEqual(networkAt(Path.join(Os.tmpdir(), "no", "such", "home")), networkAt(Os.tmpdir()))
    assert.isUndefined(networkAt("\u0000"))
  })
})
