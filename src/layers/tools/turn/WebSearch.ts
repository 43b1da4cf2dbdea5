/**
 * The web search of the model server, as a declaration. The server runs it, and the thread shows its calls as items of type
 * `webSearch`.
 *
 * `web_search` selects the mode, and the organisation may limit the modes. Without `live` the server searches only what it has
 * cached, unless the sandbox gives commands full access anyway.
 *
 * @module
 */
import type { EffectiveConfig } from "../../../services/config/Config.ts"
import { failure, type Tool, type ToolOffer, type ToolSpec } from "../../../services/tool/Tool.ts"
import * as Effect from "effect/Effect"

type Table = Readonly<Record<string, unknown>>

const tableIn = (value: unknown): Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {}

const defined = (members: Table): Table =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null))

/** The settings in `tools.web_search`, as members of the declaration. */
const detailsOf = (config: EffectiveConfig): Table => {
  const {
    allowed_domains: domains,
    context_size: size,
    location
  } = tableIn(tableIn(config.settings["tools"])["web_search"])
  const place = defined(tableIn(location))
  return defined({
    filters: Array.isArray(domains) ? { allowed_domains: domains } : undefined,
    user_location: Object.keys(place).length === 0 ? undefined : { type: "approximate", ...place },
    search_context_size: size
  })
}

type Mode = "disabled" | "cached" | "indexed" | "live"

const modes: ReadonlyArray<Mode> = ["live", "indexed", "cached"]

/** The mode of a request. A mode that the organisation does not allow is replaced by the next lower one. */
const modeOf = (config: EffectiveConfig, { sandboxPolicy }: ToolOffer): Mode => {
  const configured = config.settings["web_search"]
  if (configured === "disabled") return "disabled"
  const isOpen = sandboxPolicy.type === "dangerFullAccess"
  const wanted: Mode = configured === "live" || configured === "indexed" ? configured : isOpen ? "live" : "cached"
  const allowed = config.allowedWebSearchModes
  if (allowed === null) return wanted
  return modes.slice(modes.indexOf(wanted)).find((mode) => allowed.includes(mode)) ?? "disabled"
}

const specOf = (declaration: Table): ToolSpec => ({
  type: "hosted",
  name: "web_search",
  description: "Searches the web. The model server runs it.",
  declaration: { type: "web_search", ...declaration }
})

/** The tool of a thread with this configuration. */
export const tool = (config: EffectiveConfig): Tool => ({
  spec: specOf({ external_web_access: false }),
  // The model calls it at its server. A call that comes back is a mistake.
  run: (call) => Effect.succeed(failure(`unsupported call: ${call.name}`)),
  offered: (offer) => {
    const mode = modeOf(config, offer)
    if (mode === "disabled") return undefined
    return specOf({
      external_web_access: mode !== "cached",
      ...(mode === "indexed" ? { indexed_web_access: true } : {}),
      ...detailsOf(config),
      ...(offer.model.isKnown ? { search_content_types: ["text", "image"] } : {})
    })
  }
})
