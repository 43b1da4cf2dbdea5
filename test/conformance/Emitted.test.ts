/**
 * Validates the messages that the server sends, for every served method, with the released server's JSON Schema.
 */
import { tmpdir } from "node:os"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Server from "../../src/layers/Server.ts"
import * as Offline from "../../src/layers/models/Offline.ts"
import { connect, type ReceivedMessage } from "../support/WirePeer.ts"
import { load } from "./Release.ts"

const release = load()

/** The violation of the released schema by a message; undefined when it is valid. */
const complaint = (message: ReceivedMessage, methodOf: (id: unknown) => string | undefined): string | undefined => {
  if (message.method !== undefined) {
    const methods = message.id === undefined ? release.serverNotifications : release.serverRequests
    const released = methods.get(message.method)
    if (released === undefined) return `${message.method}: not in the release`
    const problem = release.validator(released.params)(message.params)
    return problem === undefined ? undefined : `${message.method}: ${problem}`
  }
  if (message.result === undefined) return undefined
  const method = methodOf(message.id)
  const problem = method === undefined ? undefined : release.validator(release.result(method))(message.result)
  return problem === undefined ? undefined : `answer to ${method}: ${problem}`
}

/** The id of a thread or turn in a result. */
const idOf = (value: unknown): string => (value as { readonly id: string }).id

const server = Server.layer({ home: "/nowhere", cwd: tmpdir(), environment: {}, model: Offline.layer }).pipe(
  Layer.provide(NodeServices.layer)
)

describe("what the server sends", () => {
  it.live("is valid by the released schema, for every served method and every kind of turn", () =>
    Effect.gen(function* () {
      const peer = yield* connect({ outgoingCapacity: 100_000 })
      const asked: Array<string> = []
      const request = (method: string, params: object) => {
        asked.push(method)
        return peer.request(method, params)
      }
      asked.push("initialize")
      yield* peer.initialize({ experimentalApi: true })
      const turn = Effect.fnUntraced(function* (threadId: string, text: string, extra: object = {}) {
        yield* request("turn/start", { threadId, input: [{ type: "text", text }], ...extra })
        while (true) {
          const next = yield* peer.until(
            ({ id, method }) => method === "turn/completed" || (method !== undefined && id !== undefined)
          )
          if (next.id === undefined) return next
          yield* peer.send({ id: next.id, result: { decision: text.includes("no") ? "decline" : "accept" } })
        }
      })
      for (const method of ["model/list", "config/read", "account/read", "thread/loaded/list", "thread/list"]) {
        yield* request(method, method === "config/read" ? { includeLayers: true } : {})
      }
      asked.push("configRequirements/read")
      yield* peer.request("configRequirements/read", {})
      const started = yield* request("thread/start", { approvalPolicy: "untrusted", sandbox: "danger-full-access" })
      const threadId = idOf(started.result?.["thread"])
      yield* turn(threadId, "hello")
      yield* turn(threadId, "think: about it", { model: "gpt-5", effort: "high", cwd: "/" })
      yield* turn(threadId, "run: echo yes; sleep 0.3; exit 3")
      yield* turn(threadId, "run: echo no")
      yield* turn(threadId, "fail: out of order")
      yield* request("turn/start", { threadId, input: [{ type: "text", text: "wait" }] })
      const { result } = yield* request("turn/start", { threadId, input: [{ type: "text", text: "wait" }] })
      const turnId = idOf(result?.["turn"])
      yield* request("turn/steer", { threadId, expectedTurnId: turnId, input: [{ type: "text", text: "wait" }] })
      yield* request("turn/interrupt", { threadId, turnId })
      yield* request("thread/read", { threadId, includeTurns: true })
      yield* request("thread/resume", { threadId, initialTurnsPage: { limit: 2, itemsView: "full" } })
      yield* request("thread/list", {})
      yield* request("thread/unsubscribe", { threadId })

      const methodOf = (id: unknown) => (typeof id === "number" ? asked[id - 1] : undefined)
      const answered = peer.received.filter(({ method, result }) => method === undefined && result !== undefined)
      assert.lengthOf(answered, asked.length)
      assert.deepStrictEqual(
        peer.received.flatMap((message) => complaint(message, methodOf) ?? []),
        []
      )
    }).pipe(Effect.scoped, Effect.provide(server))
  )
})
