import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { OutputBuffer } from "../../../../src/layers/tools/shell/OutputBuffer.ts"
import { render } from "../../../../src/layers/tools/shell/OutputText.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const bufferOf = (text: string, half?: number): OutputBuffer => {
  const buffer = new OutputBuffer(half)
  buffer.write(bytes(text))
  return buffer
}

const rendered = (text: string, maxTokens: number): string =>
  render({ chunkId: "0a1b2c", wallSeconds: 0.5, state: { exitCode: 0 }, output: bufferOf(text), maxTokens })

describe("the buffer of a command's output", () => {
  it.prop(
    "keeps the beginning and the end, for any split of the output",
    [Schema.Array(Schema.Uint8Array)],
    ([pieces]) => {
      const half = 7
      const buffer = new OutputBuffer(half)
      for (const piece of pieces) buffer.write(piece)
      const all = pieces.flatMap((piece) => [...piece])
      const [head, tail] = buffer.parts()
      assert.deepStrictEqual(
        { head: [...head], tail: [...tail], omitted: buffer.omitted, total: buffer.total },
        {
          head: all.slice(0, half),
          tail: all.slice(Math.max(half, all.length - half)),
          omitted: Math.max(0, all.length - 2 * half),
          total: all.length
        }
      )
    }
  )

  it("marks the gap at its position", () => {
    assert.strictEqual(bufferOf("abcdefghij", 3).text(), "abc\n... 4 bytes omitted ...\nhij")
  })

  it("reads bytes that are not UTF-8 as replacement characters, and a character over both halves as one", () => {
    const odd = new OutputBuffer()
    odd.write(new Uint8Array([0x61, 0xff, 0xfe, 0x62]))
    assert.strictEqual(odd.text(), "a\ufffd\ufffdb")
    assert.strictEqual(bufferOf("€€", 4).text(), "€€")
  })

  it("keeps 1 MiB of 10 MB", () => {
    const buffer = new OutputBuffer()
    for (let piece = 0; piece < 100; piece++) buffer.write(new Uint8Array(100_000).fill(0x79))
    const half = "y".repeat(512 * 1024)
    assert.strictEqual(buffer.text(), `${half}\n... ${10_000_000 - 1024 * 1024} bytes omitted ...\n${half}`)
  })

  it("is empty after it is cleared", () => {
    const buffer = bufferOf("abcdefgh", 3)
    buffer.clear()
    buffer.write(bytes("xy"))
    assert.deepStrictEqual([buffer.text(), buffer.total, buffer.omitted], ["xy", 2, 0])
  })
})

describe("the text of a command for the model", () => {
  it("names the chunk, the time, the exit code and the size before the output", () => {
    assert.strictEqual(
      rendered("hi\nerr\n", 10_000),
      "Chunk ID: 0a1b2c\nWall time: 0.5000 seconds\nProcess exited with code 0\nOriginal token count: 2\nOutput:\nhi\nerr\n"
    )
  })

  it("names the session of a running command", () => {
    const text = render({
      chunkId: "ffffff",
      wallSeconds: 10.00134,
      state: { sessionId: 68055 },
      output: new OutputBuffer(),
      maxTokens: 10_000
    })
    assert.strictEqual(
      text,
      "Chunk ID: ffffff\nWall time: 10.0013 seconds\nProcess running with session ID 68055\nOriginal token count: 0\nOutput:\n"
    )
  })

  const numbers = Array.from({ length: 300 }, (_, index) => `${index + 1}\n`).join("")
  const cuts: ReadonlyArray<readonly [name: string, text: string, maxTokens: number, output: string]> = [
    [
      "in the middle of lines",
      numbers,
      20,
      "Warning: truncated output (original token count: 273)\nTotal output lines: 300\n\n" +
        "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n1…253 tokens truncated…" +
        "291\n292\n293\n294\n295\n296\n297\n298\n299\n300\n"
    ],
    [
      "to nothing",
      numbers,
      0,
      "Warning: truncated output (original token count: 273)\nTotal output lines: 300\n\n…273 tokens truncated…"
    ],
    [
      "between characters",
      "aé".repeat(300),
      10,
      "Warning: truncated output (original token count: 225)\nTotal output lines: 1\n\naéaéaéaéaéaéa…215 tokens truncated…éaéaéaéaéaéaé"
    ]
  ]
  it.each(cuts)("truncates output to the budget %s, like the release", (_, text, maxTokens, output) => {
    assert.strictEqual(rendered(text, maxTokens).split("Output:\n")[1], output)
  })

  it("reports the omitted bytes of the buffer, and never exceeds the standard budget", () => {
    const output = rendered("y".repeat(3_000_000), 50_000).split("Output:\n")[1]
    const half = "y".repeat(20_000)
    assert.strictEqual(
      output,
      "Warning: truncated output (original token count: 750000)\n... 1951424 bytes omitted ...\n\n" +
        `${half}…252152 tokens truncated…${half}`
    )
  })
})
