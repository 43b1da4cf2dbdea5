import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import type { TieredQueueOptions, Wait } from "../../../src/services/routing/TieredQueue.ts"
import { answer, bestEffort, latest, lossless, nameOf } from "../../support/Messages.ts"
import { open, takeFrom } from "../../support/Queues.ts"

const Offer = Schema.Literals(["lossless", "answer", "bestEffort", "k", "l"])

const Action = Schema.Union([Offer, Schema.Literals(["take", "takeAll"])])

const Options = Schema.Struct({
  capacity: Schema.Literals([1, 2, 5]),
  maxBytes: Schema.NullOr(Schema.Literals([3, 8])),
  backlog: Schema.NullOr(Schema.Literals([1, 4]))
})

const bytesOf = (message: OutboundMessage): number => (message._tag === "Lagged" ? 0 : nameOf(message).length)

const messageOf = (offer: typeof Offer.Type, name: string): OutboundMessage => {
  if (offer === "lossless") return lossless(name)
  if (offer === "answer") return answer(name)
  return offer === "bestEffort" ? bestEffort(name) : latest(offer, name)
}

const optionsOf = ({ backlog, maxBytes }: typeof Options.Type): Partial<TieredQueueOptions> => ({
  // An evictable client is on a socket, whose protocol has no loss marker.
  emitLagMarkers: backlog === null,
  ...(maxBytes === null ? {} : { bytes: { max: maxBytes, of: bytesOf } }),
  ...(backlog === null ? {} : { backlog: { messages: backlog, bytes: 1_000_000 } })
})

const isEvent = ({ _tag }: OutboundMessage): boolean => _tag === "Notification"

const mustArrive = ({ tier }: OutboundMessage): boolean => tier === "lossless" || tier === "answer"

/** The model: the rules of the queue on plain lists. */
class Model {
  readonly #options: typeof Options.Type
  buffer: Array<OutboundMessage> = []
  behind: Array<{ readonly message: OutboundMessage; readonly lost: number }> = []
  lost = 0
  reported = 0
  dropped = 0
  isEvicted = false

  constructor(options: typeof Options.Type) {
    this.#options = options
  }

  get hasRoom(): boolean {
    return this.behind.length === 0 && this.buffer.length < this.#options.capacity
  }

  #fits(message: OutboundMessage): boolean {
    const { capacity, maxBytes } = this.#options
    const bytes = this.buffer.reduce((sum, other) => sum + bytesOf(other), 0)
    if (this.buffer.length >= capacity) return false
    return maxBytes === null || bytes === 0 || bytes + bytesOf(message) <= maxBytes
  }

  offer(message: OutboundMessage): void {
    const { backlog, capacity } = this.#options
    if (this.isEvicted) return
    if (this.lost === this.reported && this.behind.length === 0 && this.#fits(message)) {
      this.buffer.push(message)
      return
    }
    const places = Math.min(capacity, this.lost > this.reported ? 2 : 1)
    if (message.tier === "bestEffort" && (this.behind.length > 0 || this.buffer.length + places > capacity)) {
      this.dropped++
      if (backlog === null) this.lost++
      return
    }
    const key = message._tag === "Notification" && message.tier === "latest" ? message.key : undefined
    this.behind = this.behind.filter(
      (other) => key === undefined || other.message._tag !== "Notification" || other.message.key !== key
    )
    this.behind.push({ message, lost: this.lost })
    this.#refill()
    if (backlog === null || this.behind.filter(({ message }) => isEvent(message)).length <= backlog) return
    this.isEvicted = true
    this.dropped += this.buffer.length + this.behind.length
    this.buffer = []
    this.behind = []
  }

  take(count: number): ReadonlyArray<OutboundMessage> {
    const taken = this.buffer.splice(0, count)
    this.#refill()
    return taken
  }

  #refill(): void {
    for (let [next] = this.behind; next !== undefined; [next] = this.behind) {
      if (this.buffer.length >= this.#options.capacity) return
      if (next.lost > this.reported) {
        this.buffer.push({ _tag: "Lagged", tier: "lossless", skipped: next.lost - this.reported })
        this.reported = next.lost
        continue
      }
      if (!this.#fits(next.message)) return
      this.buffer.push(next.message)
      this.behind.shift()
    }
  }
}

describe("TieredQueue", () => {
  it.effect.prop(
    "matches the model on plain lists for all limits and operations [18] [19] [28] [46]",
    [Options, Schema.Array(Action)],
    ([options, actions]) =>
      Effect.gen(function* () {
        const queue = yield* open(options.capacity, optionsOf(options))
        const model = new Model(options)
        const waits = new Map<OutboundMessage, Wait>()
        for (const [index, action] of actions.entries()) {
          if (action === "take" || action === "takeAll") {
            if (model.buffer.length === 0) continue
            const taken = action === "take" ? [yield* takeFrom(queue)] : yield* queue.takeAll
            const expected = model.take(action === "take" ? 1 : Infinity)
            assert.deepStrictEqual(taken.map(nameOf), expected.map(nameOf))
          } else {
            const message = messageOf(action, `${index}`)
            waits.set(message, queue.offerUnsafe(message))
            model.offer(message)
          }
          const { dropped, size } = queue.stats
          const { isCutOff, hasRoom } = queue
          assert.deepStrictEqual(
            { size, dropped, isCutOff, hasRoom },
            {
              size: model.buffer.length + model.behind.length,
              dropped: model.dropped,
              isCutOff: model.isEvicted,
              hasRoom: model.hasRoom
            }
          )
          if (options.backlog !== null) continue
          const waiting = Array.from(waits).filter(([, wait]) => wait !== undefined && !Deferred.isDoneUnsafe(wait))
          assert.deepStrictEqual(
            waiting.map(([message]) => nameOf(message)),
            model.behind.filter(({ message }) => mustArrive(message)).map(({ message }) => nameOf(message)),
            "a producer waits exactly as long as its message does"
          )
        }
      }),
    { arbitrary: { runs: 500, size: 60 } }
  )
})
