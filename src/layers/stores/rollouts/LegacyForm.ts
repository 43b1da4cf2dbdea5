/**
 * The messages of legacy files, in both directions. Legacy files have no other items.
 *
 * @module
 */
import type { Item, ThreadItem } from "../../../protocol/v2/item/Item.ts"

type Fields = Readonly<Record<string, unknown>>

const strings = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : []

const userMessage = (payload: Fields, id: string): Item<"userMessage"> => ({
  type: "userMessage",
  id,
  clientId: null,
  content: [
    { type: "text", text: String(payload["message"] ?? ""), text_elements: [] },
    ...strings(payload["images"]).map((url) => ({ type: "image" as const, url })),
    ...strings(payload["local_images"]).map((path) => ({ type: "localImage" as const, path }))
  ],
  startedAtMs: null,
  completedAtMs: null
})

/** The item of a message; undefined for any other payload. */
export const fromRelease = (payload: Fields, id: string): ThreadItem | undefined => {
  switch (payload["type"]) {
    case "user_message":
      return userMessage(payload, id)
    case "agent_message":
      return {
        type: "agentMessage",
        id,
        text: String(payload["message"] ?? ""),
        phase: null,
        moderation: null,
        memoryCitation: null,
        delivery: null,
        questions: null,
        startedAtMs: null,
        completedAtMs: null
      }
    case "agent_reasoning":
      return {
        type: "reasoning",
        id,
        summary: [String(payload["text"] ?? "")],
        content: [],
        startedAtMs: null,
        completedAtMs: null
      }
    default:
      return undefined
  }
}

/** The payload for an item; undefined when a legacy file has no line for it. */
export const toRelease = (item: ThreadItem): Fields | undefined => {
  if (item.type === "agentMessage") {
    return { type: "agent_message", message: item.text, phase: item.phase, memory_citation: null }
  }
  if (item.type !== "userMessage") return undefined
  const texts = item.content.flatMap((part) => (part.type === "text" ? [part.text] : []))
  return {
    type: "user_message",
    message: texts.join(""),
    images: item.content.flatMap((part) => (part.type === "image" && "url" in part ? [part.url] : [])),
    local_images: item.content.flatMap((part) => (part.type === "localImage" ? [part.path] : [])),
    audio: [],
    local_audio: [],
    text_elements: []
  }
}
