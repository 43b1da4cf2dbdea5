import { assert, describe, it } from "@effect/vitest"
import { type Progress, Reader } from "../../../../src/layers/models/responses/Events.ts"
import { bytes } from "../Scripted.ts"

const readAll = (chunks: ReadonlyArray<Uint8Array>): Progress => {
  const reader = new Reader((index) => `made-up-${index}`, [], { event: 64_000 })
  let progress: Progress = { _tag: "Open" }
  for (const chunk of chunks) progress = reader.feed(chunk, [])
  return progress
}

describe("an event of the model in many small pieces", () => {
  const of = (chunk: string, count: number) => readAll(Array.from({ length: count }, () => bytes(chunk)))
  const tooLarge = "stream disconnected before completion: SSE event exceeds the size limit"
  const textOf = (progress: Progress) => (progress._tag === "Failed" ? progress.failure.error.message : progress._tag)

  it.each(["data: x\n", "data: x\r", "data: x\r\n", "data\n", "x"])("counts each piece of %j", (piece) => {
    assert.strictEqual(textOf(of(piece, 1001)), tooLarge)
    if (piece.length > 1) assert.strictEqual(textOf(of(piece.repeat(1001), 1)), tooLarge)
  })

  it.each([
    ["data: x\n\n"],
    ["data: x\r\r"],
    ["data: x\r\n\r\n"],
    ["data: x\n", "\n"],
    ["data: x\r", "\r"],
    ["data: x\r\n", "\r", "\n"],
    [": x\n", "\n"]
  ])("starts over with the next event, %j", (...pieces) => {
    const chunks = Array.from({ length: 2000 }, () => pieces.map(bytes)).flat()
    assert.strictEqual(textOf(readAll(chunks)), "Open")
  })

  it("treats a line end that is split between chunks as one", () => {
    const chunks = Array.from({ length: 1001 }, () => [bytes("data: x\r"), bytes("\n")]).flat()
    assert.strictEqual(textOf(readAll(chunks)), tooLarge)
  })
})
