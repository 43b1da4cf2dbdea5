import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Listen from "../../../src/layers/transports/ListenAddress.ts"

const unsupported = (url: string) =>
  `unsupported --listen URL \`${url}\`; expected \`stdio://\`, \`unix://\`, \`unix://PATH\`, \`ws://IP:PORT\`, or \`off\``

const noAddress = (url: string) => `invalid websocket --listen URL \`${url}\`; expected \`ws://IP:PORT\``

const parsed = (url: string) => Result.merge(Result.mapError(Listen.parse(url), ({ message }) => message))

describe("--listen", () => {
  it.each<[string, Listen.ListenAddress | undefined]>([
    ["stdio://", { _tag: "Stdio" }],
    ["off", undefined],
    ["unix://", { _tag: "Unix", path: undefined }],
    ["unix:///run/spindle.sock", { _tag: "Unix", path: "/run/spindle.sock" }],
    ["unix://here/it.sock", { _tag: "Unix", path: "here/it.sock" }],
    ["ws://127.0.0.1:0", { _tag: "WebSocket", host: "127.0.0.1", port: 0 }],
    ["ws://0.0.0.0:65535", { _tag: "WebSocket", host: "0.0.0.0", port: 65_535 }],
    ["ws://127.0.0.1:007", { _tag: "WebSocket", host: "127.0.0.1", port: 7 }],
    ["ws://[::1]:4500", { _tag: "WebSocket", host: "::1", port: 4500 }],
    ["ws://[::ffff:127.0.0.1]:0", { _tag: "WebSocket", host: "::ffff:127.0.0.1", port: 0 }]
  ])("takes %s [50]", (url, listen) => {
    assert.deepStrictEqual(parsed(url), listen)
  })

  it.each([
    "ws://",
    "ws://localhost:1",
    "ws://example.org:80",
    "ws://127.0.0.1",
    "ws://127.0.0.1:",
    "ws://127.0.0.1:65536",
    "ws://127.0.0.1:+1",
    "ws://127.0.0.1:1/path",
    "ws://127.000.0.1:0",
    "ws://127.1:0",
    "ws://256.0.0.1:0",
    "ws://::1:0",
    "ws://[::1]",
    "ws://[fe80::1%eth0]:0",
    "ws://user@127.0.0.1:0"
  ])("takes an address of this machine and a port only: not %s [50]", (url) => {
    assert.strictEqual(parsed(url), noAddress(url))
  })

  it.each([
    "",
    "http://x",
    "stdio:",
    "stdio:///x",
    "unix:",
    "OFF",
    "WS://127.0.0.1:0",
    " ws://127.0.0.1:0",
    "wss://127.0.0.1:0"
  ])("knows no other kind of place: not '%s' [50]", (url) => {
    assert.strictEqual(parsed(url), unsupported(url))
  })

  it.effect.prop(
    "parses its own output",
    [
      Arbitrary.schema(
        Schema.Union([
          Schema.Struct({
            _tag: Schema.Literal("WebSocket"),
            host: Schema.Literals(["127.0.0.1", "10.2.3.4", "0.0.0.0", "::1", "::", "2001:db8::8:800:200c:417a"]),
            port: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))
          }),
          Schema.Struct({ _tag: Schema.Literal("Unix"), path: Schema.NonEmptyString }),
          Schema.Struct({ _tag: Schema.Literal("Stdio") })
        ])
      )
    ],
    ([listen]) => Effect.sync(() => assert.deepStrictEqual(parsed(Listen.format(listen)), listen))
  )

  it.effect.prop("either accepts a value or fails with one line", [Arbitrary.schema(Schema.String)], ([text]) =>
    Effect.sync(() => {
      for (const url of [text, `ws://${text}`]) {
        const result = Listen.parse(url)
        if (Result.isFailure(result)) assert.include(result.failure.message, `\`${url}\`; expected`)
      }
    })
  )

  it("accepts several addresses, without duplicates, and defaults to stdio [50]", () => {
    const all = Listen.parseAll(["stdio://", "ws://127.0.0.1:1", "unix://", "ws://127.0.0.1:1", "stdio://"])
    assert.deepStrictEqual(Result.getOrThrow(all), [
      { _tag: "Stdio" },
      { _tag: "WebSocket", host: "127.0.0.1", port: 1 },
      { _tag: "Unix", path: undefined }
    ])
    assert.deepStrictEqual(Result.getOrThrow(Listen.parseAll([])), [{ _tag: "Stdio" }])
  })

  it("is off for `off`, which cannot be combined [50]", () => {
    assert.deepStrictEqual(Result.getOrThrow(Listen.parseAll(["off"])), [])
    const both = Listen.parseAll(["off", "stdio://"])
    assert.strictEqual(
      Result.isFailure(both) ? both.failure.message : "",
      "`--listen off` cannot be combined with other --listen values"
    )
    assert.isTrue(Result.isFailure(Listen.parseAll(["stdio://", "nowhere"])))
  })
})
