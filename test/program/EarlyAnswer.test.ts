import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { answerTo } from "../../src/program/EarlyAnswer.ts"
import { encodeSuccess } from "../../src/protocol/jsonrpc/Encode.ts"
import { InitializeParams } from "../../src/protocol/v2/server/Initialize.ts"
import { initializeResponse, isHeaderValue } from "../../src/services/config/ServerIdentity.ts"
import { decodeParams } from "../../src/services/decoding/DecodeParams.ts"

const machine = { platform: "Linux 6.8; x86_64", platformFamily: "unix", platformOs: "linux" }

const answer = (message: object) => answerTo(JSON.stringify(message), machine, "/home")

const initialize = (params: unknown) => ({ id: 1, method: "initialize", params })

/** The server's answer to parameters that it accepts; undefined for others. */
const expected = (id: number, params: unknown): string | undefined => {
  const decoded = decodeParams("initialize", params)
  if (Result.isFailure(decoded) || !isHeaderValue(decoded.success.clientInfo.name)) return undefined
  return encodeSuccess(id, JSON.stringify(initializeResponse(machine, "/home", decoded.success.clientInfo.name)))
}

const Part = Schema.Union([Schema.Undefined, Schema.Null, Schema.Literals([true, 1, "x", "a\nb", "ü"])])
const Loose = Schema.Struct({
  clientInfo: Schema.Struct({ name: Part, title: Part, version: Part, other: Part }),
  capabilities: Schema.Union([
    Part,
    Schema.Struct({
      experimentalApi: Part,
      requestAttestation: Part,
      optOutNotificationMethods: Schema.Union([Part, Schema.Array(Part)]),
      extensions: Part,
      other: Part
    })
  ])
})

describe("the early answer", () => {
  it("is the server's answer to a plain initialize", () => {
    const params = { clientInfo: { name: "x", title: null, version: "1" }, capabilities: { experimentalApi: true } }
    assert.strictEqual(
      answer({ id: "a", method: "initialize", params }),
      '{"id":"a","result":{"userAgent":"x/0.169.0 (Linux 6.8; x86_64) spindle/0.1.0","codexHome":"/home","platformFamily":"unix","platformOs":"linux"}}'
    )
  })

  it.each([
    ["another request", { id: 1, method: "thread/list", params: {} }],
    ["a notification", { method: "initialize", params: { clientInfo: { name: "x", version: "1" } } }],
    ["a name that is not a valid header value", initialize({ clientInfo: { name: "a\nb", version: "1" } })],
    ["missing parameters", initialize(undefined)],
    [
      "an answer that a pipe might take in part only",
      initialize({ clientInfo: { name: "x".repeat(4096), version: "1" } })
    ],
    ["one of more bytes than characters", initialize({ clientInfo: { name: "€".repeat(1366), version: "1" } })],
    ["an extension", initialize({ clientInfo: { name: "x", version: "1" }, capabilities: { extensions: {} } })]
  ])("leaves %s to the server", (_, message) => {
    assert.isUndefined(answer(message))
  })

  it.effect.prop(
    "equals the server's, for any parameters",
    [Arbitrary.schema(Loose)],
    ([params]) =>
      Effect.sync(() => {
        const early = answer(initialize(params))
        const sent: unknown = JSON.parse(JSON.stringify(params))
        if (early !== undefined) assert.strictEqual(early, expected(1, sent))
      }),
    { arbitrary: { runs: 2000 } }
  )

  it.effect.prop("is the server's, or none", [Arbitrary.schema(InitializeParams())], ([value]) =>
    Effect.sync(() => {
      const sent: unknown = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(InitializeParams())(value)))
      const early = answer(initialize(sent))
      if (early !== undefined) assert.strictEqual(early, expected(1, sent))
    })
  )
})

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

interface Ended {
  readonly ids: ReadonlyArray<unknown>
  readonly code: number | null
}

/**
 * Runs the service. `write` is called with each line of output, first with the empty string, and returns what to write next,
 * or null to end the input.
 */
const serve = (write: (line: string) => string | null) =>
  Effect.callback<Ended>((resume) => {
    const home = Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-early-"))
    const child = spawn(process.execPath, ["--conditions=spindle-source", main], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { PATH: process.env["PATH"], HOME: home, SPINDLE_HOME: home }
    })
    const ids: Array<unknown> = []
    let output = ""
    const next = (line: string): void => {
      const text = write(line)
      if (text === null) child.stdin.end()
      else child.stdin.write(text)
    }
    child.stdin.on("error", () => undefined)
    child.stdout.on("data", (chunk) => {
      output += String(chunk)
      const lines = output.split("\n")
      output = lines.pop() ?? ""
      for (const line of lines) {
        const message: unknown = JSON.parse(line)
        if (typeof message === "object" && message !== null && "id" in message) ids.push(message.id)
        next(line)
      }
    })
    next("")
    child.once("exit", (code) => resume(Effect.succeed({ ids, code })))
    return Effect.sync(() => {
      child.kill("SIGKILL")
      Fs.rmSync(home, { recursive: true, force: true })
    })
  })

const line = (message: object) => `${JSON.stringify(message)}\n`
const hello = line(initialize({ clientInfo: { name: "x", version: "1" } }))
const list = (id: number) => line({ id, method: "thread/loaded/list", params: {} })

/** Sends requests at once, and ends the input after this number of answers. */
const inOneWrite = (text: string, answers: number) => {
  let seen = 0
  return (out: string): string | null => {
    if (out === "") return text
    return ++seen === answers ? null : ""
  }
}

describe("the service", { timeout: 30_000 }, () => {
  it.live.each([
    ["a request after it", hello + list(2), [1, 2]],
    ["a second initialize", hello + hello + list(2), [1, 1, 2]],
    ["a request before it", list(0) + hello + list(2), [0, 1, 2]],
    ["a blank line before it", `\n${hello}${list(2)}`, [1, 2]],
    ["a name that is refused", hello.replace('"x"', '"a\\nb"') + hello + list(2), [1, 1, 2]]
  ] as const)("answers each request once: %s", ([, text, ids]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>(yield* serve(inOneWrite(text, ids.length)), { ids, code: 0 })
    })
  )

  it.live("answers a client that waits for the answer before it continues", () =>
    Effect.gen(function* () {
      let step = 0
      const ended = yield* serve((out) => {
        if (out === "") return hello
        step++
        return step === 1 ? list(2) : null
      })
      assert.deepStrictEqual(ended, { ids: [1, 2], code: 0 })
    })
  )
})
