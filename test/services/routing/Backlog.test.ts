import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import { Backlog } from "../../../src/services/routing/Backlog.ts"
import { answer, latest, lossless, nameOf } from "../../support/Messages.ts"

const keys = ["k", "l"] as const

const Action = Schema.Union([
  Schema.Literals(["lossless", "answer", "drop", "shift", ...keys]),
  Schema.Struct({ remove: Schema.Int })
])

/** The model: a plain list. */
interface Kept {
  readonly message: OutboundMessage
  readonly lost: number
}

const isElder = (message: OutboundMessage, other: OutboundMessage): boolean =>
  message.tier === "latest" && other.tier === "latest" && "key" in other && other.key === message.key

const bytesOf = (message: OutboundMessage): number => nameOf(message).length

const seenOf = ({ message, lost }: Kept) => ({ name: nameOf(message), lost })

const seen = (backlog: Backlog) => ({
  all: Array.from(backlog, seenOf),
  first: backlog.first === undefined ? undefined : seenOf(backlog.first),
  length: backlog.length,
  events: backlog.events,
  eventBytes: backlog.eventBytes
})

const expected = (kept: ReadonlyArray<Kept>): ReturnType<typeof seen> => {
  const events = kept.filter(({ message }) => message._tag === "Notification")
  return {
    all: kept.map(seenOf),
    first: kept[0] === undefined ? undefined : seenOf(kept[0]),
    length: kept.length,
    events: events.length,
    eventBytes: events.reduce((sum, { message }) => sum + bytesOf(message), 0)
  }
}

const messageOf = (action: "lossless" | "answer" | (typeof keys)[number], name: string): OutboundMessage => {
  if (action === "lossless") return lossless(name)
  return action === "answer" ? answer(name) : latest(action, name)
}

describe("Backlog", () => {
  it.effect.prop(
    "keeps the order, the newest snapshot of each key and the loss before each message",
    [Schema.Array(Action)],
    ([actions]) =>
      Effect.sync(() => {
        const backlog = new Backlog(bytesOf)
        let kept: ReadonlyArray<Kept> = []
        let lost = 0
        for (const [index, action] of actions.entries()) {
          if (action === "drop") {
            lost++
          } else if (action === "shift" || typeof action === "object") {
            const nth = action === "shift" ? 0 : Math.abs(action.remove) % Math.max(1, kept.length)
            const message = kept[nth]?.message
            if (message === undefined) assert.isUndefined(backlog.first)
            else if (action === "shift") backlog.shift()
            else assert.isTrue(backlog.remove(message))
            kept = kept.filter((_, at) => at !== nth)
          } else {
            const message = messageOf(action, `${index}`)
            const elder = kept.find((other) => isElder(message, other.message))
            assert.strictEqual(backlog.push(message, undefined, lost), elder?.message)
            kept = [...kept.filter((other) => other !== elder), { message, lost }]
          }
          assert.deepStrictEqual(seen(backlog), expected(kept))
        }
        assert.deepStrictEqual(backlog.clear().map(seenOf), kept.map(seenOf))
        assert.deepStrictEqual(seen(backlog), expected([]))
      }),
    { arbitrary: { runs: 300, size: 40 } }
  )

  it.effect("keeps the order after many removals from the front and the middle", () =>
    Effect.sync(() => {
      const backlog = new Backlog(bytesOf)
      const names: Array<string> = []
      const left: Array<string> = []
      for (let index = 0; index < 10_000; index++) {
        backlog.push(lossless(`${index}`), undefined, 0)
        backlog.push(latest("k", `snapshot ${index}`), undefined, 0)
        names.push(`${index}`)
        if (index % 3 !== 0) continue
        left.push(nameOf(backlog.first!.message))
        backlog.shift()
      }
      left.push(...backlog.clear().map(({ message }) => nameOf(message)))
      assert.deepStrictEqual(left, [...names, "snapshot 9999"])
    })
  )

  it.effect("does not find a message that has left", () =>
    Effect.sync(() => {
      const backlog = new Backlog(bytesOf)
      const [a, b] = [lossless("a"), lossless("b")]
      for (const message of [a, b]) backlog.push(message, undefined, 0)
      assert.strictEqual(backlog.first?.message, a)
      backlog.shift()
      assert.isFalse(backlog.remove(a))
      assert.isTrue(backlog.remove(b))
      assert.strictEqual(backlog.length, 0)
    })
  )
})
