/**
 * The first line of a rollout file, `session_meta`, in both directions.
 *
 * @module
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { lazy } from "../../../protocol/Lazy.ts"
import { DynamicToolSpec } from "../../../protocol/v2/thread/Requests.ts"
import { type GitInfo, SessionSource } from "../../../protocol/v2/thread/Thread.ts"
import type { EventOf } from "../../../services/thread/ThreadEvent.ts"
import { isRecord, type Line, millisOf, timestampOf } from "./Line.ts"
import * as SettingsForm from "./SettingsForm.ts"

type Fields = Readonly<Record<string, unknown>>

/** The part of another file that precedes the lines of a file. */
export interface HistoryBase {
  readonly threadId: string
  readonly endOrdinalExclusive: number
  readonly endByteOffset: number
}

const decodeSource = lazy(() => Schema.decodeUnknownResult(SessionSource()))

const decodeTools = lazy(() => Schema.decodeUnknownResult(Schema.Array(DynamicToolSpec())))

/** The client's tools; none when they are not understood. */
const toolsOf = (tools: unknown): Pick<EventOf<"Created">["origin"], "dynamicTools"> => {
  const decoded = Array.isArray(tools) && tools.length > 0 ? decodeTools()(tools) : undefined
  return decoded !== undefined && Result.isSuccess(decoded) ? { dynamicTools: decoded.success } : {}
}

const text = (value: unknown): string | null => (typeof value === "string" ? value : null)

/** The release spells some kinds differently on disk. */
const sourceOf = (source: unknown): SessionSource => {
  const value =
    source === "mcp"
      ? "appServer"
      : isRecord(source) && "subagent" in source
        ? { subAgent: source["subagent"] }
        : source
  const decoded = decodeSource()(value)
  return Result.isSuccess(decoded) ? decoded.success : "unknown"
}

const sourceForm = (source: SessionSource): unknown => {
  if (source === "appServer") return "mcp"
  return typeof source === "object" && "subAgent" in source ? { subagent: source.subAgent } : source
}

const gitOf = (git: unknown): GitInfo | null =>
  isRecord(git)
    ? { sha: text(git["commit_hash"]), branch: text(git["branch"]), originUrl: text(git["repository_url"]) }
    : null

const gitForm = ({ branch, originUrl, sha }: GitInfo): Fields => ({
  ...(sha === null ? {} : { commit_hash: sha }),
  ...(branch === null ? {} : { branch }),
  ...(originUrl === null ? {} : { repository_url: originUrl })
})

/** The meta data in a line; undefined for another line, or when it does not name a thread. */
export const metaIn = (line: Line): Fields | undefined =>
  line.type === "session_meta" && isRecord(line.payload) && typeof line.payload["id"] === "string"
    ? line.payload
    : undefined

/** Whether the file that begins with this line is a legacy file. */
export const isLegacy = (line: Line): boolean => metaIn(line)?.["history_mode"] !== "paginated"

/** The event of a file's first line; undefined when it is not meta data. */
export const fromMeta = (line: Line): EventOf<"Created"> | undefined => {
  const meta = metaIn(line)
  if (meta === undefined) return undefined
  const id = String(meta["id"])
  const at = millisOf(line.timestamp)
  const begun = typeof meta["timestamp"] === "string" ? millisOf(meta["timestamp"]) : at
  const cwd = text(meta["cwd"]) ?? "/"
  return {
    _tag: "Created",
    at,
    origin: {
      id,
      sessionId: text(meta["session_id"]) ?? id,
      forkedFromId: text(meta["forked_from_id"]),
      createdAt: Math.floor(begun / 1000),
      cwd,
      ephemeral: false,
      cliVersion: text(meta["cli_version"]) ?? "",
      originator: text(meta["originator"]) ?? "",
      source: sourceOf(meta["source"]),
      threadSource: text(meta["thread_source"]),
      gitInfo: gitOf(meta["git"]),
      ...toolsOf(meta["dynamic_tools"])
    },
    settings: SettingsForm.unknownSettings(cwd, text(meta["model_provider"]) ?? "")
  }
}

/** The payload of a new file's first line. */
export const toMeta = ({ at, origin, settings }: EventOf<"Created">, isLegacy: boolean): Fields => ({
  session_id: origin.sessionId,
  id: origin.id,
  ...(origin.forkedFromId === null ? {} : { forked_from_id: origin.forkedFromId }),
  timestamp: timestampOf(Math.floor(at / 1000) === origin.createdAt ? at : origin.createdAt * 1000),
  cwd: origin.cwd,
  runtime_workspace_roots: settings.environments?.[0]?.runtimeWorkspaceRoots ?? [origin.cwd],
  originator: origin.originator,
  cli_version: origin.cliVersion,
  source: sourceForm(origin.source),
  ...(origin.threadSource === null ? {} : { thread_source: origin.threadSource }),
  model_provider: settings.modelProvider,
  ...(origin.dynamicTools === undefined ? {} : { dynamic_tools: origin.dynamicTools }),
  ...(isLegacy ? {} : { history_mode: "paginated" }),
  ...(origin.gitInfo === null ? {} : { git: gitForm(origin.gitInfo) })
})

/** The base of a file that holds only its own lines; null for a complete file. */
export const baseOf = (line: Line): HistoryBase | null => {
  const base = metaIn(line)?.["history_base"]
  if (!isRecord(base)) return null
  const { end_byte_offset: offset, end_ordinal_exclusive: ordinal, thread_id: threadId } = base
  return typeof threadId === "string" && Number.isSafeInteger(offset) && Number.isSafeInteger(ordinal)
    ? { threadId, endOrdinalExclusive: Number(ordinal), endByteOffset: Number(offset) }
    : null
}
