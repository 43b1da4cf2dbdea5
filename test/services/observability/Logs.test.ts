import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { makeProcessor } from "../../support/Processor.ts"
import { makeServer, userInput } from "../../support/Server.ts"
import { text } from "../../../src/services/tool/Tool.ts"

const List = "thread/loaded/list"

interface Line {
  readonly level: string
  readonly message: string
  readonly about: Readonly<Record<string, unknown>>
}

/** All log lines of the effect, with details. */
const logging = <A, E, R>(effect: (lines: ReadonlyArray<Line>) => Effect.Effect<A, E, R>) => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>(({ fiber, logLevel, message }) => {
    lines.push({ level: logLevel, message: String(message), about: fiber.getRef(References.CurrentLogAnnotations) })
  })
  return effect(lines).pipe(
    Effect.provide(Logger.layer([logger])),
    Effect.provideService(References.MinimumLogLevel, "Debug")
  )
}

describe("Logs", () => {
  it.effect("name the client and the method of a line", () =>
    logging((lines) =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({ [List]: () => Effect.die("a mistake") })
        yield* connect()
        const client = yield* connect({ origin: "webSocket" })
        client.request(1, List)
        yield* client.next
        assert.deepStrictEqual(lines, [
          { level: "Debug", message: "connection opened", about: { connection: 0, origin: "stdio" } },
          { level: "Debug", message: "connection opened", about: { connection: 1, origin: "webSocket" } },
          { level: "Error", message: "handler died", about: { connection: 1, origin: "webSocket", method: List } }
        ])
      })
    )
  )

  it.effect("name the thread and turn of a line, without payloads", () =>
    logging((lines) =>
      Effect.gen(function* () {
        const tool = {
          spec: { type: "function" as const, name: "look", description: "", parameters: {}, strict: false },
          run: () => Effect.as(Effect.logInfo("looking"), text("a secret"))
        }
        const { connect, model } = yield* makeServer({ toolbox: [tool] })
        const client = yield* connect()
        const { thread } = yield* client.request("thread/start", {})
        const { turn } = yield* client.request("turn/start", { threadId: thread.id, input: userInput("a secret") })
        yield* model.call(["look", "call_1"])
        yield* model.reply("a secret")
        yield* client.notified("turn/completed")
        const about = { connection: 0, origin: "inProcess", thread: thread.id, turn: turn.id }
        assert.deepStrictEqual(
          lines.filter((line) => "turn" in line.about),
          [
            { level: "Debug", message: "turn started", about },
            { level: "Info", message: "looking", about },
            { level: "Debug", message: "turn completed", about }
          ]
        )
        assert.notInclude(JSON.stringify(lines), "secret")
      })
    )
  )
})
