import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SchemaAST from "effect/SchemaAST"
import { type ClientRequestMethod, clientRequestTable } from "../../../src/protocol/Methods.ts"
import { Capabilities, type Decision, Parameters } from "../../../src/services/decoding/ParameterDecisions.ts"
import { InitializeCapabilities } from "../../../src/protocol/v2/server/Initialize.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { UserInput } from "../../../src/protocol/v2/turn/UserInput.ts"
import { cwd, makeServer } from "../../support/Server.ts"

const methods = Object.keys(clientRequestTable) as ReadonlyArray<ClientRequestMethod>

/** The names of the members that a schema declares. */
/** The members of parameters; of alternatives, those that all of them have. */
const membersOf = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  if (SchemaAST.isObjects(ast)) return ast.propertySignatures.map(({ name }) => String(name))
  if (!SchemaAST.isUnion(ast)) return []
  const [first = [], ...others] = ast.types.filter(SchemaAST.isObjects).map(membersOf)
  return first.filter((name) => others.every((members) => members.includes(name)))
}

const parametersOf = (method: ClientRequestMethod): ReadonlyArray<string> => {
  const { params } = clientRequestTable[method]
  return params === undefined ? [] : membersOf(params().ast)
}

const declined: ReadonlySet<Decision<never>["decision"]> = new Set(["refused", "warned", "conditional"])

/** Values that are refused, by `method.parameter`, with the error. */
const refusals: Readonly<Record<string, ReadonlyArray<readonly [value: unknown, message: string]>>> = {
  "thread/start.selectedCapabilityRoots": [
    [
      [{ id: "a", location: { type: "environment", environmentId: "local", path: "/a" } }],
      "`thread/start.selectedCapabilityRoots` is not supported by this server yet"
    ]
  ],
  "thread/start.environments": [
    [[{ environmentId: "far", cwd }], "unknown turn environment id `far`"],
    [
      [
        { environmentId: "local", cwd },
        { environmentId: "local", cwd: "/" }
      ],
      "this server has only the environment `local`; list it once"
    ]
  ],
  ...Object.fromEntries(
    [
      ["path", "/a/rollout.jsonl"],
      ["attachToSource", true],
      ["experimentalPredictionMode", true]
    ].map(([name, value]) => [
      `thread/fork.${name}`,
      [[value, `\`thread/fork.${name}\` is not supported by this server yet`]]
    ])
  ),
  "turn/start.toolOutput": [
    [{ name: "a", output: "text" }, "`turn/start.toolOutput` is not supported by this server yet"]
  ],
  "turn/start.environments": [[[{ environmentId: "far", cwd }], "unknown turn environment id `far`"]],
  "thread/settings/update.environments": [[[{ environmentId: "far", cwd }], "unknown turn environment id `far`"]],
  ...Object.fromEntries(
    ["turn/start.input", "turn/steer.input", "thread/queue/add.input", "thread/queue/update.input"].map((name) => [
      name,
      [
        [[{ type: "audio", url: "data:," }], "input of type `audio` is not supported by this server yet"],
        [[{ type: "audio", fileId: "f" }], "input of type `audio` is not supported by this server yet"],
        [[{ type: "localAudio", path: "/a" }], "input of type `localAudio` is not supported by this server yet"],
        [
          [{ type: "image", fileId: "f" }],
          "input of type `image` with a `fileId` is not supported by this server yet; use a `url`"
        ]
      ]
    ])
  )
}

/** Values that have no effect. */
const warned: Readonly<Record<string, ReadonlyArray<unknown>>> = {
  "thread/start.serviceTier": ["priority"],
  "thread/start.approvalsReviewer": ["auto_review", "guardian_subagent"],
  "thread/start.historyMode": ["paginated"],
  "thread/start.projectId": ["p"],
  "thread/start.daybreakEnabled": [true],
  "thread/start.experimentalRawEvents": [true],
  "thread/resume.serviceTier": ["priority"],
  "thread/resume.approvalsReviewer": ["auto_review"],
  "thread/resume.path": ["/a/rollout.jsonl"],
  "thread/fork.serviceTier": ["priority"],
  "thread/fork.approvalsReviewer": ["auto_review"],
  "turn/start.additionalContext": [{ editor: { kind: "application", value: "line 3" } }],
  "turn/start.approvalsReviewer": ["auto_review"],
  "turn/start.serviceTier": ["priority"],
  "turn/start.serviceTierForTurn": ["priority"],
  "turn/start.input": [[{ type: "skill", name: "s", path: "/s" }], [{ type: "mention", name: "m", path: "app://m" }]],
  "turn/start.cyberAccessProgram": ["daybreakBlue"],
  "thread/settings/update.serviceTier": ["priority"],
  "thread/settings/update.approvalsReviewer": ["auto_review"],
  "thread/queue/add.input": [[{ type: "skill", name: "s", path: "/s" }]],
  "turn/steer.additionalContext": [{ editor: { kind: "application", value: "line 3" } }],
  "turn/steer.input": [[{ type: "mention", name: "m", path: "app://m" }]],
  "turn/steer.responsesapiClientMetadata": [{ a: "b" }],
  "turn/steer.responsesapiClientMetadataPatch": [{ a: "b" }]
}

/** A server, a client that is subscribed to a thread with a running turn, and untyped requests. */
const setUp = Effect.gen(function* () {
  const { connect, model } = yield* makeServer()
  const client = yield* connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd })
  const input = [{ type: "text", text: "hi" }]
  const begin = Effect.gen(function* () {
    yield* client.request("turn/start", { threadId: thread.id, input: [{ type: "text", text: "hi" }] })
    const { turn } = yield* client.notified("turn/started")
    return { call: yield* model.next, turnId: turn.id }
  })
  let id = 1000
  const request = (method: ClientRequestMethod, name: string, value: unknown, turnId: string) => {
    const common: Readonly<Record<string, object>> = {
      "thread/start": { cwd },
      "thread/resume": { threadId: thread.id },
      "thread/fork": { threadId: thread.id },
      "thread/settings/update": { threadId: thread.id },
      "thread/queue/add": { threadId: thread.id, clientUserMessageId: "m" },
      "thread/queue/update": { threadId: thread.id, queuedSubmissionId: "q" },
      "turn/start": { threadId: thread.id, input },
      "turn/steer": { threadId: thread.id, input, expectedTurnId: turnId }
    }
    // The tables above pair methods with parameters, which types cannot express.
    const params = { ...common[method], [name]: value } as never
    return Effect.result(client.handle.request({ id: id++, method, params }))
  }
  return { begin, client, request }
})

const split = (key: string): readonly [ClientRequestMethod, string] => {
  const dot = key.lastIndexOf(".")
  return [key.slice(0, dot) as ClientRequestMethod, key.slice(dot + 1)]
}

describe("the parameters of the served methods", () => {
  it("have one decision each, and nothing else has one", () => {
    for (const method of methods) {
      assert.deepStrictEqual(Object.keys(Parameters[method]).toSorted(), parametersOf(method).toSorted(), method)
    }
    assert.deepStrictEqual(Object.keys(Capabilities).toSorted(), membersOf(InitializeCapabilities().ast).toSorted())
    assert.isAbove(methods.flatMap(parametersOf).length, 90)
  })

  it("that are not used have a reason", () => {
    const silent = methods.flatMap((method) =>
      Object.entries<Decision<never>>(Parameters[method]).flatMap(([name, decision]) =>
        decision.decision === "ignored" && !/^[A-Z].+\.$/.test(decision.reason) ? [`${method}.${name}`] : []
      )
    )
    assert.deepStrictEqual(silent, [])
  })

  it("that are declined are all tested below", () => {
    const tried = new Set([...Object.keys(refusals), ...Object.keys(warned)])
    const untried = methods.flatMap((method) =>
      Object.entries<Decision<never>>(Parameters[method]).flatMap(([name, decision]) =>
        declined.has(decision.decision) && !tried.has(`${method}.${name}`) ? [`${method}.${name}`] : []
      )
    )
    assert.deepStrictEqual(untried, [])
  })

  for (const [key, cases] of Object.entries(refusals)) {
    it.effect(`refuse ${key}`, () =>
      Effect.gen(function* () {
        const { begin, request } = yield* setUp
        const { turnId } = yield* begin
        const [method, name] = split(key)
        for (const [value, message] of cases) {
          const answer = yield* request(method, name, value, turnId)
          assert.deepStrictEqual(
            answer._tag === "Failure" ? answer.failure : answer.success,
            new RequestError({ code: -32600, message })
          )
        }
      })
    )
  }

  for (const [key, values] of Object.entries(warned)) {
    it.effect(`warn of ${key}, behind the answer`, () =>
      Effect.gen(function* () {
        const [method, name] = split(key)
        for (const value of values) {
          const { begin, client, request } = yield* setUp
          // A loaded thread can be resumed once it has had a turn.
          const { call, turnId } = yield* begin
          if (method !== "turn/steer") {
            yield* call.finish("ok")
            yield* client.notified("turn/completed")
          }
          const answer = yield* request(method, name, value, turnId)
          assert.strictEqual(answer._tag, "Success", JSON.stringify(answer))
          const { message } = yield* client.notified("warning")
          assert.include(message, `\`${key}\` has no effect on this server. `)
        }
      })
    )
  }

  it.effect("are neither refused nor warned about when they request nothing", () =>
    Effect.gen(function* () {
      const { begin, client, request } = yield* setUp
      const { call, turnId } = yield* begin
      for (const key of [...Object.keys(refusals), ...Object.keys(warned)]) {
        const [method, name] = split(key)
        if (name === "input" || method === "turn/start") continue
        const isList = /tools|roots|environments|history/i.test(name) && name !== "historyMode"
        const isFlag = ["experimentalRawEvents", "attachToSource", "experimentalPredictionMode"].includes(name)
        for (const value of [isFlag ? false : null, ...(isList ? [[]] : [])]) {
          const answer = yield* request(method, name, value, turnId)
          assert.strictEqual(answer._tag, "Success", `${key} ${JSON.stringify(answer)}`)
        }
      }
      yield* call.finish("ok")
      yield* client.handle.shutdown
      for (;;) {
        const event = yield* client.handle.nextEvent
        if (event._tag === "None") return
        if (event.value._tag === "ServerNotification") assert.notStrictEqual(event.value.notification.method, "warning")
      }
    })
  )

  it("include every kind of input", () => {
    const kinds = SchemaAST.isUnion(UserInput().ast) ? UserInput().ast.types.length : 0
    assert.strictEqual(kinds, 9, "a new kind of input needs a decision in Parameters")
  })
})
