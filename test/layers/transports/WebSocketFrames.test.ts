import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { listening } from "../../support/Listening.ts"
import { connect, connectRaw, frame } from "../../support/Sockets.ts"

const Text = 1
const Binary = 2
const Close = 8
const Ping = 9
const Pong = 10

describe("frames for a server on a WebSocket", () => {
  it.effect("are ignored when they are not messages, and a ping is answered [54]", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const client = yield* connectRaw(port)
      const request = JSON.stringify({ id: 1, method: "thread/loaded/list", params: {} })
      for (const bytes of [
        frame(Binary, request),
        frame(Text, "{"),
        frame(Text, ""),
        frame(Text, `${request}\n${request}`),
        frame(Text, `[${request}]`),
        frame(Text, "null"),
        frame(Pong, "unasked"),
        frame(Ping, "are you there?")
      ]) {
        yield* client.write(bytes)
      }
      assert.deepStrictEqual(yield* client.next, { opcode: Pong, payload: Buffer.from("are you there?") })
      // In fragments, with a ping between them.
      yield* client.write(frame(Text, request.slice(0, 5), { fin: false }))
      yield* client.write(frame(Ping, "!"))
      yield* client.write(frame(0, request.slice(5, 9), { fin: false }))
      yield* client.write(frame(0, `${request.slice(9)}\n`))
      assert.deepStrictEqual(yield* client.next, { opcode: Pong, payload: Buffer.from("!") })
      const answer = yield* client.next
      assert.strictEqual(answer.payload.toString(), '{"error":{"code":-32600,"message":"Not initialized"},"id":1}')
    })
  )

  it.effect("that are 128 pings at once are each answered [54]", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const client = yield* connectRaw(port)
      const pings = Array.from({ length: 128 }, (_, index) => `${index}`)
      yield* client.write(Buffer.concat(pings.map((name) => frame(Ping, name))))
      const answers: Array<string> = []
      for (const _ of pings) answers.push((yield* client.next).payload.toString())
      assert.deepStrictEqual(answers, pings)
    })
  )

  it.effect.each<[string, Buffer, number, string]>([
    ["a message that is too long", frame(Text, "x".repeat(1001)), 1009, "message exceeds the size limit"],
    [
      "fragments that are",
      Buffer.concat([frame(Text, "x".repeat(600), { fin: false }), frame(0, "x".repeat(600))]),
      1009,
      "message exceeds the size limit"
    ],
    ["text that is no UTF-8", frame(Text, Uint8Array.of(0xc3, 0x28)), 1007, "text is not UTF-8"],
    ["a frame of an unknown kind", frame(3, "x"), 1002, "malformed frame"],
    ["a compressed frame", Buffer.concat([Buffer.of(0xc1), frame(Text, "x").subarray(1)]), 1002, "malformed frame"],
    ["a frame that is not masked", Buffer.of(0x81, 1, 120), 1002, "malformed frame"]
  ])("end their connection with a reason: %s, and do not affect others [54]", ([, bytes, code, reason]) =>
    Effect.gen(function* () {
      const { port } = yield* listening({ maxMessageBytes: 1000 })
      const other = yield* connect(port)
      const client = yield* connectRaw(port)
      yield* client.write(bytes)
      const { opcode, payload } = yield* client.next
      assert.deepStrictEqual(
        { opcode, code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) },
        { opcode: Close, code, reason }
      )
      yield* client.ended
      assert.isDefined((yield* other.request("thread/loaded/list")).result)
    })
  )

  it.effect("may be as long as the limit, and 17 MiB by default", () =>
    Effect.gen(function* () {
      const exact = yield* listening({ maxMessageBytes: 1000 })
      const request = JSON.stringify({
        id: 1,
        method: "initialize",
        params: { clientInfo: { name: "a", version: "1" } }
      })
      const client = yield* connectRaw(exact.port)
      yield* client.write(frame(Text, request.padEnd(1000)))
      assert.include((yield* client.next).payload.toString(), '"id":1')
      const usual = yield* listening()
      const large = yield* connect(usual.port)
      const answer = yield* large.request("thread/start", {
        cwd: "/spindle-test",
        padding: "x".repeat(17 * 1024 * 1024)
      })
      assert.isDefined(answer.result)
    })
  )

  it.effect("ping a silent client, which is disconnected if it does not answer [54]", () =>
    Effect.gen(function* () {
      const { listener, port } = yield* listening()
      const alive = yield* connect(port)
      const dead = yield* connectRaw(port)
      while (listener.served().length < 2) yield* Effect.yieldNow
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* dead.next).opcode, Ping)
      yield* alive.ping
      // The pong follows this request.
      yield* alive.request("thread/loaded/list")
      yield* TestClock.adjust("30 seconds")
      const { opcode, payload } = yield* dead.next
      assert.deepStrictEqual([opcode, payload.toString("utf8", 2)], [Close, "no answer to a ping"])
      yield* dead.ended
      assert.isDefined((yield* alive.request("thread/loaded/list")).result)
      assert.strictEqual(listener.served().length, 1)
    })
  )
})
