/**
 * Outgoing messages, one constructor per tier, and their short names.
 *
 * @module
 */
import type { OutboundMessage, OutboundRequest } from "../../src/services/routing/OutboundMessage.ts"

const notification = (
  tier: "lossless" | "latest" | "bestEffort",
  key: string | undefined,
  name: string
): OutboundMessage => ({
  _tag: "Notification",
  tier,
  key,
  method: name,
  params: {},
  emittedAtMs: 0,
  seq: undefined,
  text: undefined,
  holders: 0
})

export const lossless = (name: string): OutboundMessage => notification("lossless", undefined, name)

/** Replaced by a newer message with the same key. */
export const latest = (key: string, name: string): OutboundMessage => notification("latest", key, name)

export const bestEffort = (name: string): OutboundMessage => notification("bestEffort", undefined, name)

export const answer = (text: string): OutboundMessage => ({ _tag: "Answer", tier: "answer", text })

export const request = (id: number): OutboundRequest => ({
  _tag: "Request",
  tier: "failBack",
  id,
  method: "item/tool/call",
  params: {}
})

/** The given name; `request 1` and `Lagged 2` for messages without one. */
export const nameOf = (message: OutboundMessage): string => {
  switch (message._tag) {
    case "Notification":
      return message.method
    case "Answer":
      return message.text
    case "Request":
      return `request ${String(message.id)}`
    case "Lagged":
      return `Lagged ${message.skipped}`
  }
}
