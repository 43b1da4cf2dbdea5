/**
 * What is read from an MCP server: the size of a message, and which messages are used.
 *
 * Notifications that nobody handles, such as log messages, are dropped before anything else is done with them, so a server
 * that floods costs little.
 *
 * @module
 */
import type { JSONRPCMessage } from "@modelcontextprotocol/client"
import { isTooDeep } from "../../../protocol/jsonrpc/JsonText.ts"

/** Maximum size of a message of a server, in bytes. */
export const MaxMessageBytes = 32 * 1024 * 1024

/** The notice that the list of tools has changed. */
export const toolsChanged: JSONRPCMessage = { jsonrpc: "2.0", method: "notifications/tools/list_changed" }

export const isToolsChanged = (message: JSONRPCMessage): boolean =>
  "method" in message && message.method === "notifications/tools/list_changed"

const used: ReadonlySet<unknown> = new Set([
  "notifications/progress",
  "notifications/cancelled",
  "notifications/tools/list_changed"
])

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const decoder = new TextDecoder()

/** The message of a line; undefined for text that is not a message, and for messages that are not used. */
export const accepts = (line: Uint8Array): JSONRPCMessage | undefined => {
  const text = decoder.decode(line).trim()
  if (!text.startsWith("{") || isTooDeep(text)) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  if (typeof value["method"] === "string" && value["id"] === undefined && !used.has(value["method"])) return undefined
  // Which kind of message it is, is checked by the client of the protocol.
  return { ...value, jsonrpc: "2.0" } as JSONRPCMessage
}
