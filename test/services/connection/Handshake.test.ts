import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Request } from "../../../src/protocol/jsonrpc/Envelope.ts"
import { Decoder } from "../../../src/protocol/jsonrpc/Lines.ts"
import { cwd, home, makeServer, userInput } from "../../support/Server.ts"
import { asking } from "../../support/Tools.ts"

const List = "thread/loaded/list"

const empty = { data: [], nextCursor: null }

const refused = (id: unknown, message: string) => ({ error: { code: -32600, message }, id })

const params = (name = "probe") => ({ clientInfo: { name, version: "0.0.1" } })

const warning = (summary: string) => ({ summary, details: null, path: null })

describe("The handshake", () => {
  it.effect("precedes any other request, whose refusal does not affect it [1]", () =>
    Effect.gen(function* () {
      const { wire } = yield* makeServer()
      const client = yield* wire()
      assert.deepStrictEqual(yield* client.request(1, "thread/start", {}), refused(1, "Not initialized"))
      assert.strictEqual((yield* client.request(2, "initialize", params()))["id"], 2)
      assert.deepStrictEqual(yield* client.request(3, List, {}), { id: 3, result: empty })
    })
  )

  it.effect("succeeds once, also when two of them race [2]", () =>
    Effect.gen(function* () {
      const { wire } = yield* makeServer()
      const client = yield* wire()
      yield* client.send(1, "initialize", params())
      yield* client.send(2, "initialize", params())
      const answers = [yield* client.next, yield* client.next]
      assert.deepStrictEqual(
        answers.map((answer) => answer["error"] ?? "shaken"),
        ["shaken", { code: -32600, message: "Already initialized" }]
      )
    })
  )

  for (const name of ["a\nb", "a\rb", "\u0000", "a\u007f"]) {
    it.effect(`is refused under the name ${JSON.stringify(name)}, and may be tried again under another [3]`, () =>
      Effect.gen(function* () {
        const { wire } = yield* makeServer()
        const client = yield* wire()
        assert.deepStrictEqual(
          yield* client.request(1, "initialize", params(name)),
          refused(1, `Invalid clientInfo.name: '${name}'. Must be a valid HTTP header value.`)
        )
        assert.deepStrictEqual(yield* client.request(2, List, {}), refused(2, "Not initialized"))
        assert.property(yield* client.request(3, "initialize", params("é€ ok")), "result")
      })
    )
  }

  it.effect("returns the server's identity and home, beginning with the client's name [4]", () =>
    Effect.gen(function* () {
      const { wire } = yield* makeServer()
      const client = yield* wire()
      const answer = yield* client.request(1, "initialize", params())
      const result = answer["result"] as Record<string, string>
      assert.deepStrictEqual(Object.keys(result), ["userAgent", "codexHome", "platformFamily", "platformOs"])
      assert.match(result["userAgent"] ?? "", /^probe\/0\.169\.0 \([^;]+; [^)]+\) spindle\/\d/)
      assert.strictEqual(result["codexHome"], home)
      assert.include(["unix", "windows"], result["platformFamily"])
    })
  )

  it.effect("requires a name and a version, which may be empty", () =>
    Effect.gen(function* () {
      const { wire } = yield* makeServer()
      const client = yield* wire()
      assert.deepStrictEqual(
        yield* client.request(1, "initialize", {}),
        refused(1, "Invalid request: missing field `clientInfo`")
      )
      assert.deepStrictEqual(
        yield* client.request(2, "initialize", { clientInfo: { name: "probe" } }),
        refused(2, "Invalid request: missing field `version`")
      )
      assert.property(yield* client.request(3, "initialize", { clientInfo: { name: "", version: "" } }), "result")
    })
  )

  it.effect("is followed by the warnings of the configuration, before other messages and for its client only [5]", () =>
    Effect.gen(function* () {
      const { router, wire } = yield* makeServer({ configWarnings: [warning("a"), warning("b")] })
      const [first, second] = [yield* wire(), yield* wire()]
      yield* first.send(1, "initialize", params())
      yield* Effect.yieldNow
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      const published = [yield* first.next, yield* first.next, yield* first.next, yield* first.next]
      assert.deepStrictEqual(
        published.map((message) => message["id"] ?? [message["method"], message["params"]]),
        [
          1,
          ["configWarning", { summary: "a", details: null }],
          ["configWarning", { summary: "b", details: null }],
          ["thread/closed", { threadId: "t" }]
        ]
      )
      assert.strictEqual(second.outgoing.stats.size, 0)
    })
  )

  it.effect("enables broadcasts to the client, and none are sent before it [6]", () =>
    Effect.gen(function* () {
      const { connect, wire } = yield* makeServer()
      const other = yield* connect()
      const client = yield* wire()
      yield* other.request("thread/start", { cwd })
      yield* client.request(1, "initialize", params("a\nb"))
      yield* other.request("thread/start", { cwd })
      assert.strictEqual(client.outgoing.stats.size, 0)
      yield* client.request(2, "initialize", params())
      const { thread } = yield* other.request("thread/start", { cwd })
      const published = yield* client.next
      assert.deepStrictEqual([published["method"], published["params"]], ["thread/started", { thread }])
    })
  )

  it.effect("opts only this client out of notifications by exact name, and not of requests or responses [7]", () =>
    Effect.gen(function* () {
      const { connect, model } = yield* makeServer({ toolbox: [asking] })
      const optOutNotificationMethods = [
        "thread/started",
        "item/started",
        "item/commandExecution/requestApproval",
        "turn/complete",
        "turn",
        "no/such"
      ]
      const client = yield* connect({ capabilities: { optOutNotificationMethods } })
      const other = yield* connect()
      const { thread } = yield* client.request("thread/start", { cwd })
      assert.strictEqual((yield* other.notified("thread/started")).thread.id, thread.id)
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("work") })
      yield* model.call(["ask", "c1"])
      const names = yield* client.names("request item/commandExecution/requestApproval")
      assert.deepStrictEqual(
        names.filter((name) => optOutNotificationMethods.includes(name)),
        []
      )
      assert.includeMembers(names, ["turn/started", "item/completed"])
      yield* client.handle.respondToServerRequest(0, { decision: "accept" })
      yield* model.reply("done")
      yield* client.names("turn/completed")
    })
  )

  it.effect("enables experimental methods, fields and variants, which are otherwise refused without data [8]", () =>
    Effect.gen(function* () {
      const { wire } = yield* makeServer()
      const [stable, experimental] = [yield* wire(), yield* wire()]
      yield* stable.initialize()
      yield* experimental.initialize({ experimentalApi: true })
      const granular = { granular: { sandbox_approval: true, rules: true, mcp_elicitations: true } }
      for (const [method, use, descriptor] of [
        ["mock/experimentalMethod", {}, "mock/experimentalMethod"],
        ["thread/start", { mockExperimentalField: "x" }, "thread/start.mockExperimentalField"],
        ["thread/start", { approvalPolicy: granular }, "askForApproval.granular"]
      ] as const) {
        assert.deepStrictEqual(
          yield* stable.request(1, method, use),
          refused(1, `${descriptor} requires experimentalApi capability`)
        )
        const answer = yield* experimental.request(1, method, use)
        assert.notInclude(JSON.stringify(answer), "requires experimentalApi capability")
        if (method === "thread/start") yield* experimental.next
        while (stable.outgoing.stats.size > 0) yield* stable.next
      }
      assert.property(yield* stable.request(2, "thread/start", { cwd }), "result")
    })
  )

  it.effect("enables the experimental members of server requests [9]", () =>
    Effect.gen(function* () {
      const { connect, model } = yield* makeServer({ toolbox: [asking] })
      const client = yield* connect()
      const other = yield* connect({ capabilities: { experimentalApi: true } })
      const { thread } = yield* client.request("thread/start", { cwd })
      const threadId = thread.id
      yield* client.request("turn/start", { threadId, input: userInput("hello") })
      yield* model.reply("hi")
      yield* client.notified("turn/completed")
      yield* other.request("thread/resume", { threadId })
      yield* client.request("turn/start", { threadId, input: userInput("work") })
      yield* model.call(["ask", "c1"])
      const [stable, full] = [yield* client.asked, yield* other.asked]
      assert.notProperty(stable.params, "availableDecisions")
      assert.deepStrictEqual<unknown>(full.params, { ...stable.params, availableDecisions: ["accept", "cancel"] })
    })
  )

  describe("an invalid message", () => {
    it.effect("is refused as an invalid request if it is a request, and the connection continues [10]", () =>
      Effect.gen(function* () {
        const { wire } = yield* makeServer()
        const client = yield* wire()
        yield* client.initialize()
        for (const [method, use, message] of [
          ["thread/read", {}, "missing field `threadId`"],
          ["thread/read", { threadId: 5 }, "invalid type: integer `5`, expected a string"],
          [List, null, "missing field `params`"],
          [List, [], "invalid length 0, expected struct ThreadLoadedListParams with 2 elements"],
          [List, { limit: -1 }, "invalid value: integer `-1`, expected u32"],
          ["thread/start", { approvalPolicy: "bogus" }, undefined]
        ] as const) {
          const answer = yield* client.request(1, method, use)
          if (message === undefined) assert.match(JSON.stringify(answer), /Invalid request: unknown variant `bogus`/)
          else assert.deepStrictEqual(answer, refused(1, `Invalid request: ${message}`))
        }
        const unknown = yield* client.request(1, "no/such", {})
        assert.match(JSON.stringify(unknown), /"code":-32600,"message":"Invalid request: unknown variant `no\/such`, /)
        assert.deepStrictEqual(yield* client.request(2, List, {}), { id: 2, result: empty })
      })
    )

    it.effect("gets no response if it is not a message, and the connection continues [10]", () =>
      Effect.gen(function* () {
        const { wire } = yield* makeServer()
        const client = yield* wire()
        yield* client.initialize()
        const lines = ["hello", "", "null", "[]", '{"id":1}', '{"id":1.5,"method":"thread/loaded/list","params":{}}']
        const messages = new Decoder(1000).push(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")))
        for (const message of messages) client.submit(message)
        assert.deepStrictEqual(yield* client.request(2, List, {}), { id: 2, result: empty })
      })
    )
  })

  it.effect("has no jsonrpc member, and ids are returned unchanged [11]", () =>
    Effect.gen(function* () {
      const { wire } = yield* makeServer()
      const client = yield* wire()
      yield* client.initialize()
      const ask = (id: Request["id"], method: string) => Effect.andThen(client.send(id, method, {}), client.text)
      for (const [id, text] of [
        ["s-1", '"s-1"'],
        ["7", '"7"'],
        ["", '""'],
        [7, "7"],
        [-1, "-1"],
        [9007199254740993n, "9007199254740993"]
      ] as const) {
        assert.strictEqual(yield* ask(id, List), `{"id":${text},"result":{"data":[],"nextCursor":null}}`)
        assert.match(yield* ask(id, "thread/read"), new RegExp(`^{"error":{"code":-32600,"message":.*},"id":${text}}$`))
      }
      yield* client.send(1, "thread/start", { cwd })
      for (const text of [yield* client.text, yield* client.text]) assert.notInclude(text, "jsonrpc")
    })
  )

  it.effect("belongs to its connection: two clients may use the same ids and get their own responses [59]", () =>
    Effect.gen(function* () {
      const { wire } = yield* makeServer()
      const [one, two] = [yield* wire(), yield* wire()]
      yield* one.initialize()
      yield* one.send(1, "thread/start", { cwd: "/spindle-test/one" })
      assert.deepStrictEqual(yield* two.request(1, "thread/start", {}), refused(1, "Not initialized"))
      assert.include(JSON.stringify(yield* one.next), '"cwd":"/spindle-test/one"')
      assert.strictEqual(two.outgoing.stats.size, 0)
    })
  )
})
