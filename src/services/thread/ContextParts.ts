/**
 * The context that stands in the conversation in front of the user's messages: the developer's instructions, permissions, the
 * collaboration mode, AGENTS.md and the environment.
 *
 * A part is written into the conversation when a turn starts, and again when its text has changed. So the conversation in front
 * of it stays the same, and the model server can reuse what it has computed for it. What the model was told last is read from
 * the conversation itself: it survives a restart, and a compaction or a rollback that removed it.
 *
 * @module
 */
import type { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import { permissionText } from "./PermissionText.ts"

/** What the parts are made of. */
export interface ContextFacts {
  readonly settings: ThreadSettings
  /** Instructions of the client or the configuration; null when there are none. */
  readonly developer: string | null
  /** Whether the permissions are included. */
  readonly permissions: boolean
  /** The text of the AGENTS.md files; null when there are none. */
  readonly agents: string | null
  /** The environment; null when it is not included. */
  readonly environment: EnvironmentFacts | null
}

/** The environment of commands, and the time. */
export interface EnvironmentFacts {
  /** The user's date, as in `2026-11-22`; null when the time is not included. */
  readonly date: string | null
  /** The user's time zone, as in `Europe/Berlin`. */
  readonly timeZone: string
}

const AgentsTitle = "# AGENTS.md instructions"

/** The kinds of parts that replace an earlier one of their kind, and how their texts begin. */
const marks = {
  permissions: { role: "developer", start: "<permissions instructions>" },
  mode: { role: "developer", start: "<collaboration_mode>" },
  agents: { role: "user", start: AgentsTitle },
  environment: { role: "user", start: "<environment_context>" }
} as const

type Kind = keyof typeof marks

type Parts = { readonly [K in Kind]: string | null }

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

const ReadOnlyInside = [".git", ".agents", ".codex", ".aws"]

const entry = (access: "read" | "write", path: string): string =>
  `<entry access="${access}">${path.startsWith(":") ? `<special>${path}</special>` : `<path>${escaped(path)}</path>`}</entry>`

const profileOf = ({ cwd, sandboxPolicy: policy }: ThreadSettings, roots: ReadonlyArray<string>): string => {
  switch (policy.type) {
    case "dangerFullAccess":
      return `<permission_profile type="disabled"><file_system type="unrestricted" /></permission_profile>`
    case "externalSandbox":
      return `<permission_profile type="external"><file_system type="external" /></permission_profile>`
    case "readOnly":
      return restricted([])
    case "workspaceWrite": {
      const writable = [...new Set([...(roots.length === 0 ? [cwd] : roots), ...policy.writableRoots])]
      return restricted([
        ...writable.map((path) => entry("write", path)),
        ...(policy.excludeSlashTmp ? [] : [entry("write", ":slash_tmp")]),
        ...(policy.excludeTmpdirEnvVar ? [] : [entry("write", ":tmpdir")]),
        ...writable.flatMap((path) => ReadOnlyInside.map((name) => entry("read", `${path}/${name}`)))
      ])
    }
  }
}

const restricted = (entries: ReadonlyArray<string>): string =>
  `<permission_profile type="managed"><file_system type="restricted">${entry("read", ":root")}${entries.join("")}</file_system></permission_profile>`

const environmentText = (settings: ThreadSettings, { date, timeZone }: EnvironmentFacts): string => {
  const roots = settings.environments?.[0]?.runtimeWorkspaceRoots ?? [settings.cwd]
  const listed = roots.map((root) => `<root>${escaped(root)}</root>`).join("")
  const profile = profileOf(settings, roots)
  return [
    "<environment_context>",
    ...(settings.environments?.length === 0 ? [] : [`  <cwd>${escaped(settings.cwd)}</cwd>`, "  <shell>bash</shell>"]),
    ...(date === null ? [] : [`  <current_date>${date}</current_date>`, `  <timezone>${timeZone}</timezone>`]),
    ...(settings.environments?.length === 0
      ? []
      : [`  <filesystem><workspace_roots>${listed}</workspace_roots>${profile}</filesystem>`]),
    "</environment_context>"
  ].join("\n")
}

const agentsText = (title: string, text: string): string => `${title}\n\n<INSTRUCTIONS>\n${text}\n</INSTRUCTIONS>`

const withdrawn = agentsText(AgentsTitle, "The previously provided AGENTS.md instructions no longer apply.")

const wanted = ({ agents, environment, permissions, settings }: ContextFacts): Parts => {
  const mode = settings.collaborationMode.settings.developer_instructions
  const title = settings.environments?.length === 0 ? AgentsTitle : `${AgentsTitle} for ${settings.cwd}`
  return {
    permissions: permissions ? permissionText(settings) : null,
    mode: mode === null ? null : `<collaboration_mode>${mode}</collaboration_mode>`,
    agents: agents === null ? null : agentsText(title, agents),
    environment: environment === null ? null : environmentText(settings, environment)
  }
}

/** What the conversation says last, by kind. */
interface Told {
  readonly parts: Parts
  /** Every text of the developer, in any order. */
  readonly developer: ReadonlySet<string>
}

const kindOf = (role: string, text: string): Kind | undefined =>
  (Object.keys(marks) as ReadonlyArray<Kind>).find(
    (kind) => marks[kind].role === role && text.startsWith(marks[kind].start)
  )

const toldIn = (conversation: ReadonlyArray<ResponseItem>): Told => {
  const parts: { [K in Kind]: string | null } = { permissions: null, mode: null, agents: null, environment: null }
  const developer = new Set<string>()
  for (const item of conversation) {
    if (item.type !== "message" || (item.role !== "developer" && item.role !== "user")) continue
    for (const part of item.content) {
      if (part.type !== "input_text") continue
      if (item.role === "developer") developer.add(part.text)
      const kind = kindOf(item.role, part.text)
      if (kind !== undefined) parts[kind] = part.text
    }
  }
  return { parts, developer }
}

const message = (role: "developer" | "user", texts: ReadonlyArray<string>): ReadonlyArray<ResponseItem> =>
  texts.length === 0 ? [] : [{ type: "message", role, content: texts.map((text) => ({ type: "input_text", text })) }]

/** The entries that tell the model what it has not been told, or what has changed since. */
export const contextEntries = (
  conversation: ReadonlyArray<ResponseItem>,
  facts: ContextFacts
): ReadonlyArray<ResponseItem> => {
  const told = toldIn(conversation)
  const parts = wanted(facts)
  const changed = (kind: Kind): ReadonlyArray<string> => {
    const text = parts[kind] ?? (kind === "agents" && told.parts.agents !== null ? withdrawn : null)
    return text === null || text === told.parts[kind] ? [] : [text]
  }
  const { developer } = facts
  return [
    ...message("developer", [
      ...(developer === null || told.developer.has(developer) ? [] : [developer]),
      ...changed("permissions"),
      ...changed("mode")
    ]),
    ...message("user", [...changed("agents"), ...changed("environment")])
  ]
}

/** Whether an entry of the conversation is context and not a message of the user. */
export const isContext = (item: ResponseItem): boolean =>
  item.type === "message" &&
  item.content.every((part) => part.type === "input_text" && kindOf(item.role, part.text) !== undefined)
