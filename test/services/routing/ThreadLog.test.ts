import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { OutboundNotification } from "../../../src/services/routing/OutboundMessage.ts"
import { encode } from "../../../src/services/routing/OutboundMessage.ts"
import { positionIn } from "../../../src/protocol/extensions/Sequence.ts"
import { ThreadLog } from "../../../src/services/routing/ThreadLog.ts"

const publish = (threadLog: ThreadLog, threadId: string, text = ""): OutboundNotification => {
  const message: OutboundNotification = {
    _tag: "Notification",
    tier: "lossless",
    key: undefined,
    method: "test",
    params: { text },
    emittedAtMs: 0,
    seq: threadLog.next(threadId),
    text: undefined,
    holders: 0
  }
  threadLog.push(threadId, message)
  return message
}

describe("ThreadLog", () => {
  it("numbers the notifications of each thread from one, without a gap", () => {
    const threadLog = new ThreadLog("e")
    const seqs = ["a", "b", "a", "a", "b"].map((threadId) => publish(threadLog, threadId).seq)
    assert.deepStrictEqual(seqs, [1, 1, 2, 3, 2])
  })

  it("repeats the notifications after a position, in order", () => {
    const threadLog = new ThreadLog("e")
    threadLog.keep("a")
    const published = Array.from({ length: 5 }, () => publish(threadLog, "a"))
    const { epoch } = threadLog.position("a")
    assert.deepStrictEqual(threadLog.after("a", { epoch, seq: 2 }), published.slice(2))
    assert.deepStrictEqual(threadLog.after("a", { epoch, seq: 5 }), [])
  })

  it("knows no position before the recording, outside of the ring, of another epoch or in the future", () => {
    const threadLog = new ThreadLog("e")
    publish(threadLog, "a")
    threadLog.keep("a")
    publish(threadLog, "a")
    const { epoch } = threadLog.position("a")
    assert.isUndefined(threadLog.after("a", { epoch, seq: 0 }), "published before the recording")
    assert.lengthOf(threadLog.after("a", { epoch, seq: 1 }) ?? [], 1)
    for (let count = 0; count < 5000; count++) publish(threadLog, "a")
    assert.isUndefined(threadLog.after("a", { epoch, seq: 1 }), "too long ago")
    assert.isUndefined(threadLog.after("a", { epoch, seq: 6000 }), "not published yet")
    assert.isUndefined(threadLog.after("a", { epoch: "other", seq: 5000 }))
    threadLog.forget("a")
    assert.isUndefined(threadLog.after("a", { epoch, seq: 5000 }), "unloaded since")
  })

  it("holds no more than its limits, in messages and in characters", () => {
    const threadLog = new ThreadLog("e")
    threadLog.keep("a")
    const large = "x".repeat(1024 * 1024)
    for (let count = 0; count < 40; count++) publish(threadLog, "a", large)
    const { epoch, seq } = threadLog.position("a")
    assert.lengthOf(threadLog.after("a", { epoch, seq: seq - 15 }) ?? [], 15)
    assert.isUndefined(threadLog.after("a", { epoch, seq: seq - 17 }))
    for (let count = 0; count < 3000; count++) publish(threadLog, "a")
    const last = threadLog.position("a").seq
    assert.lengthOf(threadLog.after("a", { epoch, seq: last - 2048 }) ?? [], 2048)
    assert.isUndefined(threadLog.after("a", { epoch, seq: last - 2049 }))
  })

  it("holds nothing of what it has dropped", async () => {
    setFlagsFromString("--expose-gc")
    const collect: () => void = runInNewContext("gc")
    const threadLog = new ThreadLog("e")
    threadLog.keep("a")
    const told = Array.from({ length: 40 }, () => new WeakRef(publish(threadLog, "a", "x".repeat(1024 * 1024))))
    // A WeakRef holds its target to the end of the job in which it was made.
    await new Promise(setImmediate)
    collect()
    assert.deepStrictEqual(
      told.map((message) => message.deref() !== undefined),
      told.map((_, index) => index >= 25)
    )
    assert.lengthOf(threadLog.after("a", { ...threadLog.position("a"), seq: 25 }) ?? [], 15)
  })

  it("shows numbers only to clients that opted in", () => {
    const message = publish(new ThreadLog("e"), "a")
    assert.deepStrictEqual(JSON.parse(encode(message)), { method: "test", params: { text: "" }, emittedAtMs: 0 })
    assert.deepStrictEqual(JSON.parse(encode(message, true)), {
      method: "test",
      params: { text: "" },
      emittedAtMs: 0,
      seq: 1
    })
  })

  it.prop("reads no position from a value that is not a position", [Schema.Json], ([after]) => {
    const position = positionIn({ "spindle/sequence": { after } })
    if (position === undefined) return
    assert.deepStrictEqual(after, { ...(after as object), ...position })
  })

  it("reads a position from an envelope", () => {
    assert.deepStrictEqual(positionIn({ "spindle/sequence": { after: { epoch: "e", seq: 7 } } }), {
      epoch: "e",
      seq: 7
    })
    assert.isUndefined(positionIn({ "spindle/sequence": {} }))
    assert.isUndefined(positionIn(undefined))
  })
})
