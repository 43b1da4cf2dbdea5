/**
 * The items of a turn in the release's form, in both directions.
 *
 * The release stores items with other spellings than it sends them. An item that has no form here is stored as an own line
 * (`Encode`); a form that is not understood here decodes to nothing (`Decode` keeps its line).
 *
 * @module
 */
import * as Path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { lazy } from "../../../protocol/Lazy.ts"
import { type Item, ThreadItem } from "../../../protocol/v2/item/Item.ts"
import type { FileUpdateChange } from "../../../protocol/v2/item/WorkItem.ts"
import { isRecord } from "./Line.ts"

type Fields = Readonly<Record<string, unknown>>

const decodeItem = lazy(() => Schema.decodeUnknownResult(ThreadItem()))

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

const capital = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1)

const sources: Readonly<Record<string, string>> = {
  agent: "agent",
  user_shell: "userShell",
  unified_exec_startup: "unifiedExecStartup",
  unified_exec_interaction: "unifiedExecInteraction"
}

const statusOf = (status: unknown): unknown => (typeof status === "string" ? camel(status) : status)

/** `{secs, nanos}`, rounded to milliseconds as the release rounds when it sends an item. */
const millisOf = (duration: unknown): number | null =>
  isRecord(duration) && typeof duration["secs"] === "number" && typeof duration["nanos"] === "number"
    ? duration["secs"] * 1000 + Math.floor(duration["nanos"] / 1e6)
    : null

const durationOf = (millis: number | null): Fields | undefined =>
  millis === null ? undefined : { secs: Math.floor(millis / 1000), nanos: (millis % 1000) * 1e6 }

const partText = (part: unknown): string => (isRecord(part) && typeof part["text"] === "string" ? part["text"] : "")

const textOf = (content: unknown): string => (Array.isArray(content) ? content.map(partText).join("") : "")

/** A word of a shell command, quoted where the shell needs it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : word.includes("'") ? `"${word.replaceAll(/["\\$`]/g, "\\$&")}"` : `'${word}'`

const folderOf = (cwd: unknown): unknown => {
  if (typeof cwd !== "string" || !cwd.startsWith("file://")) return cwd
  try {
    return fileURLToPath(cwd)
  } catch {
    return cwd
  }
}

/** The protocol's action for a parsed command, and the other way round. */
const actionOf = (parsed: unknown, cwd: unknown): unknown => {
  if (!isRecord(parsed)) return parsed
  const { cmd, name, path, query, type } = parsed
  switch (type) {
    case "read": {
      const isRelative = typeof path === "string" && typeof cwd === "string" && !Path.isAbsolute(path)
      return { type: "read", command: cmd, name, path: isRelative ? Path.join(cwd, path) : path }
    }
    case "list_files":
      return { type: "listFiles", command: cmd, path: path ?? null }
    case "search":
      return { type: "search", command: cmd, query: query ?? null, path: path ?? null }
    default:
      return { type: "unknown", command: cmd }
  }
}

const parsedOf = ({ command: cmd, ...action }: Item<"commandExecution">["commandActions"][number]): Fields => ({
  ...action,
  type: snake(action.type),
  cmd
})

const changesOf = (changes: unknown): ReadonlyArray<unknown> =>
  Object.entries(isRecord(changes) ? changes : {}).map(([path, change]) => {
    const { content, move_path, type, unified_diff } = isRecord(change) ? change : {}
    const kind = type === "update" ? { type, move_path: move_path ?? null } : { type }
    return { path, kind, diff: type === "update" ? unified_diff : content }
  })

const changeOf = ({ diff, kind, path }: FileUpdateChange): readonly [string, Fields] => [
  path,
  kind.type === "update"
    ? { type: "update", unified_diff: diff, move_path: kind.move_path }
    : { type: kind.type, content: diff }
]

const reviewTargets: Readonly<Record<string, string>> = { uncommittedChanges: "current changes" }

/** The items whose form differs by more than the spelling of members. */
const special: Readonly<Record<string, (item: Fields) => Fields>> = {
  UserMessage: ({ client_id, content, id }) => ({
    type: "userMessage",
    id,
    clientId: client_id ?? null,
    content: Array.isArray(content) ? content.map((part) => inputOf(part)) : []
  }),
  AgentMessage: ({ content, id, ...rest }) => ({
    type: "agentMessage",
    id,
    text: textOf(content),
    phase: rest["phase"] ?? null,
    moderation: null,
    memoryCitation: null,
    delivery: null,
    questions: null
  }),
  Reasoning: ({ id, raw_content, summary_text }) => ({
    type: "reasoning",
    id,
    summary: summary_text ?? [],
    content: raw_content ?? []
  }),
  CommandExecution: (item) => {
    const cwd = folderOf(item["cwd"])
    const command = item["command"]
    const actions = item["parsed_cmd"]
    return {
      type: "commandExecution",
      id: item["id"],
      pluginId: item["plugin_id"] ?? null,
      scriptPath: item["script_path"] ?? null,
      command: Array.isArray(command) ? command.map((word) => quoted(String(word))).join(" ") : command,
      cwd,
      processId: item["process_id"] ?? null,
      source: sources[String(item["source"])] ?? "agent",
      status: statusOf(item["status"]),
      commandActions: Array.isArray(actions) ? actions.map((one) => actionOf(one, cwd)) : [],
      aggregatedOutput: item["aggregated_output"] === "" ? null : (item["aggregated_output"] ?? null),
      exitCode: item["exit_code"] ?? null,
      durationMs: millisOf(item["duration"])
    }
  },
  FileChange: ({ changes, id, status }) => ({
    type: "fileChange",
    id,
    changes: changesOf(changes),
    status: statusOf(status ?? "completed")
  }),
  DynamicToolCall: ({ content_items, duration, id, namespace, success, ...rest }) => ({
    type: "dynamicToolCall",
    id,
    namespace: namespace ?? null,
    tool: rest["tool"],
    arguments: rest["arguments"] ?? null,
    status: statusOf(rest["status"]),
    contentItems: content_items ?? null,
    success: success ?? null,
    durationMs: millisOf(duration)
  }),
  EnteredReviewMode: ({ id, target, user_facing_hint }) => ({
    type: "enteredReviewMode",
    id,
    review: user_facing_hint ?? (isRecord(target) ? (reviewTargets[String(target["type"])] ?? "") : "")
  }),
  ExitedReviewMode: ({ id, review_output }) => ({
    type: "exitedReviewMode",
    id,
    review: isRecord(review_output) ? String(review_output["overall_explanation"] ?? "") : ""
  })
}

const inputOf = (part: unknown): unknown => {
  if (!isRecord(part)) return part
  const { image_url, text_elements, type, ...rest } = part
  if (type === "text") return { type, ...rest, text_elements: text_elements ?? [] }
  if (type === "image" && image_url !== undefined) return { type, ...rest, url: image_url }
  return { ...rest, type: typeof type === "string" ? camel(type) : type }
}

/** Members of other kinds, respelled. The protocol's schema decides whether the result is an item. */
const respelled = ({ type, ...members }: Fields): Fields => ({
  ...Object.fromEntries(Object.entries(members).map(([name, value]) => [camel(name), value])),
  type: typeof type === "string" ? type.slice(0, 1).toLowerCase() + type.slice(1) : type
})

/** An item of the release; undefined when it is not understood. */
export const fromRelease = (item: unknown, startedAtMs: unknown, completedAtMs: unknown): ThreadItem | undefined => {
  if (!isRecord(item)) return undefined
  const type = String(item["type"])
  const make = Object.hasOwn(special, type) ? special[type] : undefined
  const times = {
    ...(typeof startedAtMs === "number" ? { startedAtMs } : {}),
    ...(typeof completedAtMs === "number" ? { completedAtMs } : {})
  }
  const decoded = decodeItem()({ ...(make ?? respelled)(item), ...times })
  return Result.isSuccess(decoded) ? decoded.success : undefined
}

const commandForm = (item: Item<"commandExecution">): Fields => ({
  ...(item.pluginId === null ? {} : { plugin_id: item.pluginId }),
  ...(item.processId === null ? {} : { process_id: item.processId }),
  command: ["/bin/sh", "-lc", item.command],
  cwd: item.cwd.startsWith("/") ? pathToFileURL(item.cwd).href : item.cwd,
  parsed_cmd: item.commandActions.map(parsedOf),
  source: snake(item.source),
  status: snake(item.status),
  aggregated_output: item.aggregatedOutput ?? "",
  ...(item.exitCode === null ? {} : { exit_code: item.exitCode }),
  ...(item.durationMs === null ? {} : { duration: durationOf(item.durationMs) })
})

/** The members of an item in the release's form, without type and id; undefined for a kind that the release does not show. */
const formOf = (item: ThreadItem): Fields | undefined => {
  switch (item.type) {
    case "userMessage":
      return {
        ...(item.clientId === null ? {} : { client_id: item.clientId }),
        content: item.content.map((part) =>
          part.type === "image" && "url" in part
            ? { type: "image", image_url: part.url }
            : { ...part, type: snake(part.type) }
        )
      }
    case "agentMessage":
      return {
        content: [{ type: "Text", text: item.text }],
        ...(item.phase === null ? {} : { phase: item.phase })
      }
    case "reasoning":
      return { summary_text: item.summary, raw_content: item.content }
    case "plan":
      return { text: item.text }
    case "commandExecution":
      return commandForm(item)
    case "fileChange":
      return {
        changes: Object.fromEntries(item.changes.map(changeOf)),
        status: snake(item.status),
        stdout: "",
        stderr: ""
      }
    case "dynamicToolCall":
      return {
        ...(item.namespace === null ? {} : { namespace: item.namespace }),
        tool: item.tool,
        arguments: item.arguments,
        status: snake(item.status),
        content_items: item.contentItems,
        success: item.success,
        ...(item.durationMs === null ? {} : { duration: durationOf(item.durationMs) })
      }
    case "contextCompaction":
      return {}
    default:
      return undefined
  }
}

/** The release's form of an item; undefined for a kind that it does not show. */
export const toRelease = (item: ThreadItem): Fields | undefined => {
  const form = formOf(item)
  return form === undefined ? undefined : { type: capital(item.type), id: item.id, ...form }
}

/** Whether the form of an item is known to read as the same item. Only messages and reasoning are looked at: they are frequent. */
export const isExact = (item: ThreadItem): boolean => {
  if (typeof item.startedAtMs !== "number" || typeof item.completedAtMs !== "number") return false
  switch (item.type) {
    case "userMessage":
      return item.content.every((part) => part.type === "text" && part.text_elements.length === 0)
    case "agentMessage": {
      const { delivery, memoryCitation, moderation, questions } = item
      return delivery === null && memoryCitation === null && moderation === null && questions === null
    }
    case "reasoning":
      return true
    default:
      return false
  }
}
