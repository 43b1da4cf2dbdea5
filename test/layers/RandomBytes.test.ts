import { assert, describe, it } from "@effect/vitest"
import * as RandomBytes from "../../src/layers/RandomBytes.ts"

/** A generator of ascending bytes that counts its calls. */
const counting = () => {
  const calls: Array<number> = []
  let next = 0
  const generate = (size: number) => {
    calls.push(size)
    return Uint8Array.from({ length: size }, () => next++ % 251)
  }
  return { calls, generate }
}

describe("random bytes", () => {
  it("are each handed out once, in batches of the generator", () => {
    const { calls, generate } = counting()
    const bytes = RandomBytes.make(generate)
    const all = Array.from({ length: 300 }, () => Array.from(bytes(16))).flat()
    assert.deepStrictEqual(
      all,
      Array.from({ length: 4800 }, (_, index) => index % 251)
    )
    assert.deepStrictEqual(calls, [4096, 4096])
  })

  it("are the caller's own: a change of them changes no others", () => {
    const bytes = RandomBytes.make(counting().generate)
    bytes(8).fill(255)
    assert.deepStrictEqual(Array.from(bytes(4)), [8, 9, 10, 11])
  })

  it("of a size that does not fit the rest of a batch come from the next one", () => {
    const bytes = RandomBytes.make(counting().generate)
    for (let taken = 0; taken < 4080; taken += 48) bytes(48)
    assert.deepStrictEqual(
      Array.from(bytes(20)),
      Array.from({ length: 20 }, (_, index) => (4096 + index) % 251)
    )
  })

  it("of a large size come from the generator", () => {
    const { calls, generate } = counting()
    const bytes = RandomBytes.make(generate)
    assert.strictEqual(bytes(100).length, 100)
    assert.deepStrictEqual(calls, [100])
  })
})
