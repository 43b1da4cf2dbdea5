import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { Decoder, LineSplitter } from "../../../src/protocol/jsonrpc/Lines.ts"
import { encodeId } from "../../../src/protocol/jsonrpc/Encode.ts"
import type { Incoming } from "../../../src/protocol/jsonrpc/Envelope.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const Limit = 1 << 20

/** The messages of a text that arrives in one chunk. */
const read = (text: string | Uint8Array, limit = Limit): ReadonlyArray<Incoming> =>
  new Decoder(limit).push(typeof text === "string" ? bytes(text) : text)

const list = (id: string) => `{"id":${id},"method":"thread/loaded/list","params":{}}`

const request = (id: string | number | bigint): Incoming => ({
  _tag: "Request",
  request: { id, method: "thread/loaded/list", params: {} }
})

/** The kind of message that the line decodes to. */
const kindOf = (line: string) => read(`${line}\n`).map(({ _tag }) => _tag)

const MaxLine = 80

const Line = Schema.Struct({
  kind: Schema.Literals(["request", "blank", "garbage", "overlong", "broken"]),
  text: Schema.String,
  crlf: Schema.Boolean
})

const spell = ({ kind, text, crlf }: typeof Line.Type): Uint8Array => {
  const end = bytes(crlf ? "\r" : "")
  switch (kind) {
    case "request":
      return Buffer.concat([bytes(JSON.stringify({ id: text, method: "é€😀" })), end])
    case "blank":
      return end
    case "garbage":
      return Buffer.concat([bytes(`${text.replaceAll("\n", "")}{`), end])
    case "overlong":
      return Buffer.concat([bytes(JSON.stringify({ id: "x".repeat(MaxLine), method: text })), end])
    case "broken":
      return Buffer.concat([Uint8Array.of(0x22, 0xff, 0x22), end])
  }
}

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

describe("LineSplitter", () => {
  const push = (maxBytes: number, ...pieces: ReadonlyArray<string>) => {
    const lines = new LineSplitter(maxBytes)
    const found = pieces.flatMap((text) =>
      lines.push(bytes(text)).map((line) => ("overlong" in line ? line : new TextDecoder().decode(line)))
    )
    return [...found, ...(lines.isOverlong ? ["overlong so far"] : [])]
  }

  it("accepts lines up to the limit, in one chunk or several, and rejects longer ones", () => {
    assert.deepStrictEqual(push(4, "1234\n", "12", "34", "\n"), ["1234", "1234"])
    assert.deepStrictEqual(push(4, "12345\n1\n"), [{ overlong: 4 }, "1"])
    assert.deepStrictEqual(push(4, "12", "345"), ["overlong so far"])
    assert.deepStrictEqual(push(4, "12", "345\n"), [{ overlong: 4 }])
  })
})

describe("Lines", () => {
  describe("an id", () => {
    const echoed = [
      '"s-1"',
      '""',
      '"é€😀"',
      '"7"',
      "0",
      "7",
      "-1",
      "2147483648",
      "9007199254740991",
      "-9007199254740991",
      "9007199254740992",
      "9007199254740993",
      "-9007199254740993",
      "9223372036854775807",
      "-9223372036854775808"
    ]
    for (const id of echoed) {
      it(`written as ${id} is echoed unchanged [11]`, () => {
        const messages = read(`${list(id)}\n`)
        assert.deepStrictEqual(
          messages.map((message) => message._tag === "Request" && encodeId(message.request.id)),
          [id]
        )
      })
    }

    const none = [
      "1.5",
      "1.0",
      "5e0",
      "1e2",
      "1E2",
      "null",
      "true",
      "{}",
      '{"a":1}',
      "[1]",
      "9223372036854775808",
      "-9223372036854775809",
      "18446744073709551616",
      "1e400"
    ]
    for (const id of none) {
      it(`written as ${id} is not an id, and the message is a notification without a response [11]`, () => {
        assert.deepStrictEqual(kindOf(list(id)), ["Notification"])
      })
    }

    it("is the id of the message, not an id inside its parameters [11]", () => {
      for (const [outer, inner, expected] of [
        ["7", "1e2", 7],
        ["7", "7", 7],
        ["7", '"7"', 7],
        ["9007199254740993", "1", 9007199254740993n]
      ] as const) {
        for (const line of [
          `{"id":${outer},"method":"m","params":{"id":${inner}}}`,
          `{"method":"m","params":{"x":[{"id":${inner}}]},"id" : ${outer} }`
        ]) {
          const [message] = read(`${line}\n`)
          assert.strictEqual(message?._tag === "Request" && message.request.id, expected)
        }
      }
      assert.deepStrictEqual(kindOf('{"params":{"id":100},"id":1e2,"method":"m"}'), ["Notification"])
      assert.deepStrictEqual(kindOf('{"id":1e2,"method":"m","params":{"id":100}}'), ["Notification"])
      assert.deepStrictEqual(kindOf('{"\\u0069d":1e2,"method":"m","params":{"id":3}}'), ["Notification"])
    })

    it.prop(
      "of any 64-bit integer is echoed digit by digit, wherever it is written [11]",
      [Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n })), Schema.Boolean],
      ([id, last]) => {
        const line = last ? `{"method":"m","params":{"id":1},"id":${id}}` : `{"id":${id},"method":"m"}`
        const [message] = read(`${line}\n`)
        assert.strictEqual(message?._tag === "Request" && encodeId(message.request.id), `${id}`)
      },
      { arbitrary: { runs: 300 } }
    )
  })

  describe("a line", () => {
    it("may end in a carriage return and a newline", () => {
      assert.deepStrictEqual(read(`${list("1")}\r\n${list("2")}\r\n`), [request(1), request(2)])
    })

    it("may have a jsonrpc member of any value and other members, which are ignored [11]", () => {
      const line = '{"jsonrpc":"1.0","zzz":1,"id":1,"method":"m","trace":{"traceparent":"00-a-b-01"}}'
      const [message] = read(`${line}\n`)
      assert.strictEqual(message?._tag === "Request" && message.request.trace?.traceparent, "00-a-b-01")
    })

    for (const line of [
      "",
      "   ",
      "\t",
      "hello",
      '{"id": 5, "method": ',
      `${list("1")}${list("2")}`,
      "5",
      "null",
      '"s"',
      "[]",
      `[${list("1")}]`,
      "{}",
      '{"id":1}',
      '{"id":1,"method":5}',
      '{"result":1}',
      '{"id":1,"error":"no"}'
    ]) {
      it(`that is ${JSON.stringify(line)} is reported and skipped, and the next one is read [10]`, () => {
        const [message, next] = read(`${line}\n${list("1")}\n`)
        assert.strictEqual(message?._tag, "Ignored")
        assert.deepStrictEqual(next, request(1))
      })
    }

    it("that is not UTF-8 is reported and skipped, and the next one is read [10]", () => {
      const broken = [Uint8Array.of(0xff, 0xfe), Uint8Array.of(0xc3), Uint8Array.of(0xed, 0xa0, 0x80)]
      for (const part of broken) {
        const line = Buffer.concat([bytes('{"id":1,"method":"'), part, bytes('"}\n'), bytes(`${list("1")}\n`)])
        assert.deepStrictEqual(read(line), [{ _tag: "Ignored", reason: "not UTF-8" }, request(1)])
      }
    })

    it("is classified by its members: a method, a result or an error", () => {
      assert.deepStrictEqual(read('{"method":"initialized"}\n'), [
        { _tag: "Notification", notification: { method: "initialized" } }
      ])
      assert.deepStrictEqual(read('{"id":0,"result":{"decision":"accept"}}\n'), [
        { _tag: "Success", success: { id: 0, result: { decision: "accept" } } }
      ])
      assert.deepStrictEqual(read('{"id":"a","error":{"code":1,"message":"no"}}\n'), [
        { _tag: "Failure", failure: { id: "a", error: { code: 1, message: "no" } } }
      ])
    })
  })

  describe("a line that is too long", () => {
    const limit = list("1").length
    const long = list("12")
    const skipped: Incoming = { _tag: "Ignored", reason: `line longer than ${limit} bytes` }

    it("is skipped, and the next one is read [10]", () => {
      assert.deepStrictEqual(read(`${long}\n${list("1")}\n`, limit), [skipped, request(1)])
    })

    it("is measured in bytes", () => {
      const line = '{"method":"é"}'
      assert.deepStrictEqual(
        [bytes(line).length - 1, bytes(line).length].map((max) => read(`${line}\n`, max)[0]?._tag),
        ["Ignored", "Notification"]
      )
    })

    it("is skipped completely however it is split, and its bytes are not kept [10]", () => {
      const decoder = new Decoder(limit)
      const heap = "x".repeat(1000)
      const out = [...decoder.push(bytes(list("1").slice(0, 10)))]
      for (let part = 0; part < 100; part++) out.push(...decoder.push(bytes(heap)))
      assert.deepStrictEqual(out, [])
      assert.deepStrictEqual(decoder.push(bytes(`${heap}\n${list("1")}\n`)), [skipped, request(1)])
    })
  })

  describe("a document that is nested too deeply", () => {
    const reason = "nested deeper than 127 levels"
    const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`

    it("is a refused request, at any depth and wherever its id is", () => {
      for (const levels of [127, 5000, 100_000]) {
        const texts = ["7", '"s"', "9223372036854775807"].flatMap((id) => [
          `{"id":${id},"method":"m","params":${deep(levels)}}\n`,
          `{"params":{"id":5,"x":${deep(levels)}},"method":"m","id":${id}}\n`
        ])
        assert.deepStrictEqual(
          texts.flatMap((text) => read(text)),
          [7, 7, "s", "s", 9223372036854775807n, 9223372036854775807n].map((id): Incoming => ({
            _tag: "Refused",
            id,
            method: "m",
            reason
          }))
        )
      }
    })

    it("may have 127 levels", () => {
      assert.deepStrictEqual(kindOf(`{"id":1,"method":"m","params":${deep(126)}}`), ["Request"])
    })

    it("is ignored when there is nothing to respond to", () => {
      for (const text of [
        `{"method":"m","params":${deep(5000)}}`,
        deep(5000),
        "[".repeat(5000),
        `{"id":1.5,"a":${deep(200)}}`
      ])
        assert.deepStrictEqual(read(`${text}\n`), [{ _tag: "Ignored", reason }])
    })

    it("is a failure response to a request of the server", () => {
      assert.deepStrictEqual(read(`{"id":3,"result":${deep(5000)}}\n`), [
        { _tag: "Failure", failure: { id: 3, error: { code: -32600, message: reason } } }
      ])
    })
  })

  it.prop(
    "decodes to the same messages however the bytes are split [10]",
    [Schema.Array(Line), Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })))],
    ([lines, sizes]) => {
      const whole = Buffer.concat(lines.map((line) => Buffer.concat([spell(line), bytes("\n")])))
      const decoder = new Decoder(MaxLine)
      const out: Array<Incoming> = []
      for (let at = 0, i = 0; at < whole.length; i++) {
        const size = sizes[i % Math.max(1, sizes.length)] ?? 1
        out.push(...decoder.push(whole.subarray(at, at + size)))
        at += size
      }
      assert.deepStrictEqual(out, read(whole, MaxLine))
      assert.strictEqual(out.length, lines.length)
    },
    { arbitrary: { runs: 200, size: 20 } }
  )

  it.prop("accepts any bytes", [Arbitrary.array(Arbitrary.schema(Byte))], ([values]) => {
    const out = read(Uint8Array.from([0x0a, ...values, 0x0a, ...bytes(list("1")), 0x0a]))
    assert.deepStrictEqual(out.at(-1), request(1))
  })
})
