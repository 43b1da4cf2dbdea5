import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { createServer } from "node:https"
import * as Os from "node:os"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import * as Default from "../../../src/layers/models/Default.ts"
import {
  answerTo,
  assistant,
  authLayer,
  Completed,
  configLayer,
  effective,
  encode,
  provider,
  request,
  wire
} from "./Scripted.ts"
import { listening } from "../../support/LocalServer.ts"

const answer = [wire.created, wire.done(assistant("msg_ok", "fine")), wire.completed()].map(encode).join("")

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-tls-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** A server with a self-signed certificate. */
const server = Effect.gen(function* () {
  const place = yield* folder
  const [key, certificate] = [Path.join(place, "key.pem"), Path.join(place, "cert.pem")]
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, ...subject],
    { stdio: "ignore" }
  )
  const options = { key: Fs.readFileSync(key), cert: Fs.readFileSync(certificate) }
  const port = yield* listening(() =>
    createServer(options, (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).end(answer)
    })
  )
  return { url: `https://127.0.0.1:${port}/v1`, certificate }
})

const ask = (baseUrl: string, env: Record<string, string>) =>
  Effect.provide(
    answerTo(request),
    Default.layer.pipe(
      Layer.provide(configLayer(effective({ ...provider, baseUrl }))),
      Layer.provide(authLayer({ MOCK_KEY: "secret", ...env })),
      Layer.provide(NodeSmallFiles.layer)
    )
  )

const hasOpenssl = (() => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

describe.skipIf(!hasOpenssl)("a model server with a self-signed certificate (needs openssl)", () => {
  it.live("is refused, and the error explains how to trust it", () =>
    Effect.gen(function* () {
      const { url } = yield* server
      const { error } = yield* ask(url, {})
      assert.match(
        error?.details ?? "",
        /no connection: self-signed certificate.*\n.* Name the certificate .* NODE_EXTRA_CA_CERTS=FILE/
      )
    })
  )

  it.live("is trusted with SSL_CERT_FILE", () =>
    Effect.gen(function* () {
      const { certificate, url } = yield* server
      assert.deepStrictEqual(yield* ask(url, { SSL_CERT_FILE: certificate }), {
        events: [{ _tag: "ItemDone", item: assistant("msg_ok", "fine") }, Completed],
        error: null
      })
    })
  )

  it.live.each<readonly [string, string, string]>([
    ["cannot be read", "/dev/zero", "/dev/zero"],
    ["does not exist", "/nonexistent/cert.pem", "/nonexistent/cert.pem does not exist"],
    ["has no certificate", "/etc/hostname", "/etc/hostname has no certificate in the PEM format"]
  ])("is refused with an SSL_CERT_FILE that %s, and a warning is logged", ([, file, problem]) =>
    Effect.gen(function* () {
      const { url } = yield* server
      const lines: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
      const { error } = yield* Effect.provide(ask(url, { SSL_CERT_FILE: file }), Logger.layer([logger]))
      assert.include(error?.details ?? "", "self-signed certificate")
      const warnings = lines.filter((line) => line.startsWith("SSL_CERT_FILE is ignored: "))
      assert.deepStrictEqual([warnings.length, warnings[0]?.includes(problem)], [1, true])
    })
  )
})
