/**
 * Finds the hooks of a configuration: reads `hooks.json` files, checks every hook, and decides which may run.
 *
 * A hook that the organisation did not set runs only when the user has approved its current definition: `hooks.state.<key>` has
 * the hash of the definition in `trusted_hash`.
 *
 * @module
 */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import type { HookEventName } from "../../../protocol/v2/hook/Hook.ts"
import type { HookMetadata } from "../../../protocol/v2/hook/HookList.ts"
import type { HookSource, HookSources } from "../../../services/config/HookSource.ts"
import { type SmallFiles, text } from "../../../services/config/SmallFiles.ts"
import { canonical, get, getTable, getText, isTable, type Table } from "../../../services/config/Table.ts"
import { type CommandHandler, decode, events, type Groups, matched, served } from "./Definitions.ts"
import { isValid } from "./Matcher.ts"

/** Size limit of a `hooks.json` in bytes. */
const MaxFileBytes = 1024 * 1024

/** Limit on the hooks of one configuration; the rest is left out with a warning. */
const MaxHooks = 256

/** Time limit of a hook without one, and the longest that a hook may have, in seconds. */
const DefaultTimeout = 600
const MaxTimeout = 86_400

/** A hook of the type `command`. */
export type Hook = Extract<HookMetadata, { readonly handlerType: "command" }>

/** What was found. */
export interface Discovery {
  /** All hooks, in the order in which they run and are shown. */
  readonly hooks: ReadonlyArray<Hook>
  readonly warnings: ReadonlyArray<string>
}

/** Whether the hook may run. */
export const mayRun = ({ enabled, eventName, trustStatus }: Hook): boolean =>
  enabled && served.has(eventName) && (trustStatus === "managed" || trustStatus === "trusted")

const encoder = new TextEncoder()

const hashOf = (
  label: string,
  matcher: string | null,
  handler: CommandHandler,
  timeout: number
): Effect.Effect<string> => {
  const { additionalContextLimit: limit, async = false, command, statusMessage } = handler
  const identity: Table = {
    event_name: label,
    ...(matcher === null ? {} : { matcher }),
    hooks: [
      {
        type: "command",
        command,
        timeout,
        async,
        ...(statusMessage == null ? {} : { statusMessage }),
        ...(limit == null ? {} : { additionalContextLimit: limit })
      }
    ]
  }
  return Digest.Digest.use((digest) => digest.digestHex(Digest.sha256, encoder.encode(canonical(identity)))).pipe(
    Effect.map((hex) => `sha256:${hex}`),
    Effect.provide(Digest.layerWebCrypto)
  )
}

/** Collects hooks. */
class Collector {
  readonly hooks: Array<Hook> = []
  readonly warnings: Array<string> = []
  readonly #states: Table

  constructor(states: Table) {
    this.#states = states
  }

  readonly addEvent = Effect.fnUntraced(function* (
    this: Collector,
    source: HookSource,
    [eventName, , label]: (typeof events)[number],
    groups: Groups
  ) {
    for (const [groupIndex, group] of groups.entries()) {
      const matcher = matched.has(eventName) ? (group.matcher ?? null) : null
      if (matcher !== null && !isValid(matcher)) {
        this.warnings.push(`invalid matcher ${JSON.stringify(matcher)} in ${source.path}`)
        continue
      }
      for (const [index, handler] of (group.hooks ?? []).entries()) {
        const key = `${source.path}:${label}:${groupIndex}:${index}`
        if (handler.type !== "command") {
          const name = handler.type === "mcp_tool" ? "MCP tool" : handler.type
          this.warnings.push(`skipping ${name} hook in ${source.path}: ${name} hooks are not supported yet`)
        } else if (handler.command.trim() === "") {
          this.warnings.push(`skipping empty hook command in ${source.path}`)
        } else yield* this.#add(source, { eventName, label, matcher, key }, handler)
      }
    }
    if (groups.length > 0 && !served.has(eventName)) {
      this.warnings.push(`hooks at ${eventName} in ${source.path} do not run: this server does not have that point`)
    }
  }).bind(this)

  readonly #add = Effect.fnUntraced(function* (
    this: Collector,
    source: HookSource,
    place: {
      readonly eventName: HookEventName
      readonly label: string
      readonly matcher: string | null
      readonly key: string
    },
    handler: CommandHandler
  ) {
    if (this.hooks.length >= MaxHooks) {
      if (this.hooks.length === MaxHooks) this.warnings.push(`only the first ${MaxHooks} hooks are used`)
      return
    }
    const { eventName, key, label, matcher } = place
    const longest = eventName === "sessionEnd" ? 3 : MaxTimeout
    const wanted = Math.max(1, handler.timeout ?? Math.min(DefaultTimeout, longest))
    if (wanted > longest) {
      const name = events.find(([event]) => event === eventName)?.[1] ?? eventName
      this.warnings.push(`clamping ${name} hook timeout to ${longest}s in ${source.path}`)
    }
    const timeoutSec = Math.min(wanted, longest)
    const currentHash = yield* hashOf(label, matcher, handler, timeoutSec)
    const state = getTable(this.#states, key)
    const approved = state === undefined ? undefined : getText(state, "trusted_hash")
    this.hooks.push({
      handlerType: "command",
      command: handler.command,
      async: handler.async ?? false,
      key,
      eventName,
      matcher,
      timeoutSec,
      statusMessage: handler.statusMessage ?? null,
      additionalContextLimit: handler.additionalContextLimit ?? null,
      sourcePath: source.path,
      source: source.origin,
      pluginId: null,
      environmentId: null,
      displayOrder: this.hooks.length,
      enabled: source.isManaged || state === undefined || get(state, "enabled") !== false,
      isManaged: source.isManaged,
      currentHash,
      trustStatus: source.isManaged
        ? "managed"
        : approved === undefined
          ? "untrusted"
          : approved === currentHash
            ? "trusted"
            : "modified"
    })
  }).bind(this)
}

const parsed = (content: string): unknown => {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

/** The value with the events; undefined without one, and a text when it cannot be used. */
const valueOf = Effect.fnUntraced(function* (files: SmallFiles["Service"], source: HookSource) {
  if (source.table !== undefined) return { value: source.table }
  const { path, within } = source
  const read = yield* Effect.result(
    text(files, path, { maxBytes: MaxFileBytes, namedBy: "client", ...(within === undefined ? {} : { within }) })
  )
  if (read._tag === "Failure") return { problem: `failed to read hooks config ${path}: ${read.failure.detail}` }
  if (read.success === undefined) return {}
  const value = parsed(read.success)
  if (!isTable(value)) return { problem: `failed to parse hooks config ${path}: it is not a JSON object` }
  return { value: get(value, "hooks") ?? {} }
})

/** Finds the hooks. Files that cannot be used are warnings. */
export const discover = Effect.fnUntraced(function* (
  files: SmallFiles["Service"],
  { sources, states }: HookSources
): Effect.fn.Return<Discovery> {
  const found = new Collector(states)
  const used = new Set<string>()
  for (const source of sources) {
    const { problem, value } = yield* valueOf(files, source)
    if (problem !== undefined) found.warnings.push(problem)
    if (value === undefined) continue
    const groups = decode(value)
    if (typeof groups === "string") {
      const kind = source.table === undefined ? "hooks config" : "TOML hooks in"
      found.warnings.push(`failed to parse ${kind} ${source.path}: ${groups}`)
      continue
    }
    const json = source.path.replace(/[^/]*$/, "hooks.json")
    if (groups.size > 0 && source.table !== undefined && used.has(json)) {
      found.warnings.push(
        `loading hooks from both ${json} and ${source.path}; prefer a single representation for this layer`
      )
    }
    if (groups.size > 0) used.add(source.path)
    for (const event of events) yield* found.addEvent(source, event, groups.get(event[1]) ?? [])
  }
  return { hooks: found.hooks, warnings: found.warnings }
})
