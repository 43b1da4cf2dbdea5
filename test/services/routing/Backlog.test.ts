import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import { Backlog } from "../../../src/services/routing/Backlog.ts"
import { answer, latest, lossless, nameOf } from "../../support/Messages.ts"

const keys = ["k", "l"] as const

const Action = Schema.Union([
  Schema.Literals(["lossless", "answer", "mark", "shift", ...keys]),
  Schema.Struct({ remove: Schema.Int })
])

/** The same on a plain list, however long it takes. */
class Plain {
  messages: ReadonlyArray<OutboundMessage> = []

  set(messages: ReadonlyArray<OutboundMessage>): void {
    const joined: Array<OutboundMessage> = []
    for (const message of messages) {
      const last = joined.at(-1)
      if (last?._tag === "Lagged" && message._tag === "Lagged") {
        joined[joined.length - 1] = { ...message, skipped: last.skipped + message.skipped }
      } else {
        joined.push(message)
      }
    }
    this.messages = joined
  }

  push(message: OutboundMessage): void {
    const isElder = (other: OutboundMessage) =>
      message.tier === "latest" && other.tier === "latest" && "key" in other && other.key === message.key
    this.set(this.messages.filter((other) => !isElder(other)))
    this.set([...this.messages, message])
  }
}

const bytesOf = (message: OutboundMessage): number => nameOf(message).length

const seen = (overflow: Backlog) => ({
  names: Array.from(overflow, ({ message }) => nameOf(message)),
  first: overflow.first === undefined ? undefined : nameOf(overflow.first.message),
  length: overflow.length,
  events: overflow.events,
  eventBytes: overflow.eventBytes
})

const expected = ({ messages }: Plain): ReturnType<typeof seen> => {
  const events = messages.filter(({ _tag }) => _tag === "Notification")
  return {
    names: messages.map(nameOf),
    first: messages[0] === undefined ? undefined : nameOf(messages[0]),
    length: messages.length,
    events: events.length,
    eventBytes: events.reduce((sum, message) => sum + bytesOf(message), 0)
  }
}

const messageOf = (action: "lossless" | "answer" | (typeof keys)[number], name: string): OutboundMessage => {
  if (action === "lossless") return lossless(name)
  return action === "answer" ? answer(name) : latest(action, name)
}

describe("Overflow", () => {
  it.effect.prop(
    "keeps the order, the newest snapshot of each key and no two markers in a row, whatever is put in and taken out",
    [Schema.Array(Action)],
    ([actions]) =>
      Effect.sync(() => {
        const overflow = new Backlog(bytesOf)
        const plain = new Plain()
        for (const [index, action] of actions.entries()) {
          if (action === "mark") {
            overflow.mark(index + 1)
            plain.push({ _tag: "Lagged", tier: "lossless", skipped: index + 1 })
          } else if (action === "shift" || typeof action === "object") {
            const nth = action === "shift" ? 0 : Math.abs(action.remove) % Math.max(1, overflow.length)
            const place = Array.from(overflow)[nth]
            if (action === "shift") overflow.shift()
            else if (place !== undefined) assert.isTrue(overflow.remove(place.message))
            plain.set(plain.messages.filter((_, at) => at !== nth))
          } else {
            const message = messageOf(action, `${index}`)
            overflow.push(message, undefined)
            plain.push(message)
          }
          assert.deepStrictEqual(seen(overflow), expected(plain))
        }
        overflow.clear()
        assert.deepStrictEqual(seen(overflow), expected(new Plain()))
      }),
    { arbitrary: { runs: 300, size: 40 } }
  )

  it.effect("does not know a message that has left", () =>
    Effect.sync(() => {
      const overflow = new Backlog(bytesOf)
      const [a, b] = [lossless("a"), lossless("b")]
      for (const message of [a, b]) overflow.push(message, undefined)
      overflow.shift()
      assert.isFalse(overflow.remove(a))
      assert.isTrue(overflow.remove(b))
      assert.strictEqual(overflow.length, 0)
    })
  )
})
