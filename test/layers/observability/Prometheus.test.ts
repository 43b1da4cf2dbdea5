import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { text } from "../../../src/layers/observability/Prometheus.ts"
import { RequestTiming } from "../../../src/services/observability/Metrics.ts"
import { measured } from "../../support/Measured.ts"
import { makeServer, userInput } from "../../support/Server.ts"

const name = "[a-zA-Z_:][a-zA-Z0-9_:]*"
const label = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"`
const help = new RegExp(`^# HELP (${name}) \\S.*$`)
const type = new RegExp(`^# TYPE (${name}) (?:counter|gauge|histogram)$`)
const sample = new RegExp(`^(${name})(?:\\{${label}(?:,${label})*\\})? (?:[\\d.eE+-]+|\\+Inf)$`)

/** The text after a turn over a connection with timed requests. */
const scraped = Effect.gen(function* () {
  const { connect, model } = yield* makeServer()
  const client = yield* connect()
  const { thread } = yield* client.request("thread/start", {})
  yield* client.request("turn/start", { threadId: thread.id, input: userInput("a secret") })
  yield* model.reply("done")
  yield* client.notified("turn/completed")
  return yield* text
}).pipe(Effect.provideService(RequestTiming, true), measured)

describe("Prometheus", () => {
  it.effect("is in the exposition format, with each family's help and type once before its samples", () =>
    Effect.gen(function* () {
      const body = yield* scraped
      assert.isTrue(body.endsWith("\n"))
      const families = new Set<string>()
      let current = ""
      for (const line of body.trimEnd().split("\n")) {
        const family = help.exec(line)?.[1]
        if (family !== undefined) {
          assert.isFalse(families.has(family), line)
          families.add((current = family))
        } else {
          const of = type.exec(line)?.[1] ?? sample.exec(line)?.[1]?.replace(/_(?:bucket|sum|count)$/, "")
          assert.strictEqual(of, current, line)
        }
      }
    })
  )

  it.effect("contains events and no content of threads", () =>
    Effect.gen(function* () {
      const body = yield* scraped
      const lines = new Set(body.split("\n"))
      const expected = [
        'spindle_connections_open{origin="inProcess"} 1',
        'spindle_queue_size{queue="events",origin="inProcess"} 0',
        'spindle_requests_total{method="turn/start",outcome="ok"} 1',
        'spindle_request_duration_seconds_bucket{method="turn/start",le="+Inf"} 1',
        'spindle_request_duration_seconds_count{method="turn/start"} 1',
        "spindle_threads_loaded 1",
        "spindle_turns_started_total 1",
        "spindle_turns_running 0",
        'spindle_turns_ended_total{status="completed"} 1',
        'spindle_turns_ended_total{status="failed"} 0',
        "spindle_turn_duration_seconds_count 1"
      ]
      assert.deepStrictEqual(
        expected.filter((line) => !lines.has(line)),
        []
      )
      assert.notInclude(body, "secret")
    })
  )
})
