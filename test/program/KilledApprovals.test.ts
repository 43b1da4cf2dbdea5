import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { Extension } from "../../src/protocol/extensions/Sequence.ts"
import { type Json, json, LineServer } from "../support/LineServer.ts"
import * as ModelServer from "../support/ModelServer.ts"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const program = [process.execPath, "--conditions=spindle-source", main, "app-server"]

/** A home whose server lets turns go on. */
const home: Effect.Effect<string, never, ModelServer.ModelServer | Scope.Scope> = Effect.gen(function* () {
  const { url } = yield* ModelServer.ModelServer
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-recover-"))),
    (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
  )
  Fs.writeFileSync(
    Path.join(folder, "config.toml"),
    `model = "m"
model_provider = "mock"
approval_policy = "on-request"
sandbox_mode = "read-only"
[spindle]
recover = "resume"
sandbox = "none"
[model_providers.mock]
name = "mock"
base_url = "${url}"
env_key = "MOCK_KEY"
`
  )
  return folder
})

/** A server process that has initialized, and all messages that it sends. */
const serverIn = Effect.fnUntraced(function* (folder: string, session: Json = {}) {
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => new LineServer(program, folder)),
    (server) => Effect.promise(() => server.kill())
  )
  const messages: Array<Json> = []
  server.onMessage = (message) => void messages.push(message)
  const result = (method: string, params: unknown) => Effect.promise(() => server.result(method, params))
  yield* result("initialize", { clientInfo: { name: "killed", version: "1" }, ...session })
  /** The whole answer. */
  const answerTo = (method: string, params: unknown, extensions?: Json) =>
    Effect.promise(() => server.request(method, params, extensions))
  /** Waits for a message with this method, also one that was received before. */
  const message = (method: string) =>
    Effect.promise(() => {
      const known = messages.find((one) => one["method"] === method)
      return known === undefined ? server.next((one) => one["method"] === method) : Promise.resolve(known)
    })
  return { server, messages, message, result, answerTo }
})

/** A server process with a turn that waits for the model. */
const begun = Effect.gen(function* () {
  const folder = yield* home
  const first = yield* serverIn(folder)
  const { thread } = yield* first.result("thread/start", { cwd: folder })
  const threadId = json(thread)["id"]
  yield* first.result("turn/start", { threadId, input: [{ type: "text", text: "go" }] })
  return { first, folder, threadId }
})

const request = "item/commandExecution/requestApproval"

const statusOf = (thread: Json) => (thread["turns"] as ReadonlyArray<Json>).map((turn) => turn["status"])

const resume = (server: Effect.Success<ReturnType<typeof serverIn>>, threadId: unknown) =>
  Effect.map(server.result("thread/resume", { threadId }), (result) => json(result["thread"]))

describe("a server that lets turns go on", () => {
  it.live(
    "asks again after it was killed, and runs the command once",
    () =>
      Effect.gen(function* () {
        const { first, folder, threadId } = yield* begun
        yield* ModelServer.run("c1", "echo ran >> ran")
        const asked = yield* first.message(request)

        // Only the process with the right to write lets the turn go on.
        const second = yield* serverIn(folder)
        const refused = yield* Effect.promise(() => second.server.request("thread/resume", { threadId }))
        assert.include(String(json(refused["error"])["message"]), "already has an active writer")
        yield* Effect.promise(() => first.server.kill())

        const resumed = yield* resume(second, threadId)
        assert.deepStrictEqual(statusOf(resumed), ["inProgress"])
        const again = yield* second.message(request)
        const timeless = (message: Json) => ({ ...message, emittedAtMs: null })
        assert.deepStrictEqual(timeless(again), timeless(asked))
        assert.isFalse(Fs.existsSync(Path.join(folder, "ran")))
        yield* Effect.promise(() => second.server.kill())

        const third = yield* serverIn(folder)
        yield* resume(third, threadId)
        assert.deepStrictEqual(timeless(yield* third.message(request)), timeless(asked))
        third.server.answer(Number(asked["id"]), { decision: "accept" })
        const asking = yield* (yield* ModelServer.ModelServer).next
        assert.include(asking.body, "<server_restarted>")
        yield* asking.send(ModelServer.created, ModelServer.opened, ModelServer.done("done"), ModelServer.completed)
        yield* asking.end
        const completed = yield* third.message("turn/completed")
        assert.strictEqual(json(json(completed["params"])["turn"])["status"], "completed")
        assert.strictEqual(Fs.readFileSync(Path.join(folder, "ran"), "utf8"), "ran\n")
        assert.deepStrictEqual(
          third.messages.flatMap((one) => (one["method"] === request ? [one["id"]] : [])),
          [asked["id"]]
        )

        yield* Effect.promise(() => third.server.kill())
        const fourth = yield* serverIn(folder)
        assert.deepStrictEqual(statusOf(yield* resume(fourth, threadId)), ["completed"])
      }).pipe(Effect.provide(ModelServer.layer)),
    60_000
  )

  it.live(
    "asks the model again when it was killed during the answer",
    () =>
      Effect.gen(function* () {
        const { first, folder, threadId } = yield* begun
        const { next } = yield* ModelServer.ModelServer
        const cut = yield* next
        yield* cut.send(ModelServer.created, ModelServer.opened, ModelServer.delta("half"))
        yield* first.message("item/agentMessage/delta")
        yield* Effect.promise(() => first.server.kill())

        const second = yield* serverIn(folder)
        yield* resume(second, threadId)
        yield* ModelServer.reply("whole")
        yield* second.message("turn/completed")
        const found = json((yield* second.result("thread/read", { threadId, includeTurns: true }))["thread"])
        const turn = json((found["turns"] as ReadonlyArray<Json>)[0])
        const items = (turn["items"] as ReadonlyArray<Json>).map((item) => [item["type"], item["text"]])
        assert.deepStrictEqual(items, [
          ["userMessage", undefined],
          ["agentMessage", "whole"]
        ])
        assert.strictEqual(turn["status"], "completed")
      }).pipe(Effect.provide(ModelServer.layer)),
    60_000
  )

  it.live(
    "knows whether a returning client has missed something, after an orderly end and after a kill",
    () =>
      Effect.gen(function* () {
        const folder = yield* home
        const numbered = { capabilities: { experimentalApi: true, extensions: { [Extension]: {} } } }
        const first = yield* serverIn(folder, numbered)
        const started = yield* first.answerTo("thread/start", { cwd: folder })
        const threadId = json(json(started["result"])["thread"])["id"]
        yield* first.result("turn/start", { threadId, input: [{ type: "text", text: "go" }] })
        yield* ModelServer.reply("done")
        const { seq } = yield* first.message("turn/completed")
        const resumeAfter = (server: typeof first, position: Json) =>
          Effect.map(server.answerTo("thread/resume", { threadId }, { [Extension]: { after: position } }), (answer) =>
            json(json(answer["extensions"])[Extension])
          )
        yield* Effect.promise(() => first.server.stop())

        const second = yield* serverIn(folder, numbered)
        const { epoch } = json(json(started["extensions"])[Extension])
        const position = yield* resumeAfter(second, { epoch, seq })
        assert.strictEqual(position["resync"], false)
        yield* Effect.promise(() => second.server.kill())

        const third = yield* serverIn(folder, numbered)
        const after = { epoch: position["epoch"], seq: position["seq"] }
        assert.strictEqual((yield* resumeAfter(third, after))["resync"], true)
      }).pipe(Effect.provide(ModelServer.layer)),
    60_000
  )
})
