import { assert, describe, it } from "@effect/vitest"
import { originIn, packedIn, withoutCredentials } from "../../../src/services/thread/GitFacts.ts"

const commit = "a".repeat(40)

describe("the facts of a repository", () => {
  it("have the address of origin without credentials", () => {
    const config = `[core]\n\turl = no\n[remote "fork"]\n\turl = no\n[remote "origin"]\n\tfetch = x\n\turl = https://me:secret@example.com/r.git\n`
    assert.strictEqual(originIn(config), "https://example.com/r.git")
    assert.isNull(originIn("[core]\n"))
    assert.deepStrictEqual(
      ["ssh://git@example.com/r", "git@example.com:r.git", "https://example.com/a@b"].map(withoutCredentials),
      ["ssh://example.com/r", "git@example.com:r.git", "https://example.com/a@b"]
    )
  })

  it("have the commit of a packed reference", () => {
    const packed = `# pack-refs\n${commit} refs/heads/main\n${"b".repeat(40)} refs/heads/other\n`
    assert.strictEqual(packedIn(packed, "refs/heads/main"), commit)
    assert.isNull(packedIn(packed, "refs/heads/ma"))
    assert.isNull(packedIn("nonsense refs/heads/main", "refs/heads/main"))
  })
})
