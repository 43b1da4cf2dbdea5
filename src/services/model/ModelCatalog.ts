/**
 * The models of release 0.169.0: the list for clients, and the metadata that turns need.
 *
 * Names, levels, windows and flags are the release's; they define how a model is called. A model that is not in the
 * catalogue works too, with conservative assumptions. Built on first use, so that importing the module is cheap.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Model, ModelServiceTier } from "../../protocol/v2/model/Model.ts"
import type { ModelListParams, ModelListResponse } from "../../protocol/v2/model/Requests.ts"
import { type Entry, entries } from "./CatalogEntries.ts"

/** A cursor that did not come from a page. */
export class InvalidCursor extends Schema.TaggedError<InvalidCursor>()("InvalidCursor", {
  cursor: Schema.String,
  /** The number of models, when the cursor is a larger number; null when it is not a number. */
  total: Schema.NullOr(Schema.Int)
}) {
  override get message(): string {
    return this.total === null
      ? `invalid cursor: ${this.cursor}`
      : `cursor ${this.cursor} exceeds total models ${this.total}`
  }
}

/** How a model is called, and what it supports. */
export interface ModelMetadata {
  /** The requested name. */
  readonly model: string
  /** False for a model that is not in the catalogue: the other members are assumptions. */
  readonly known: boolean
  /** Tokens that a conversation may use, without the reserved share. */
  readonly contextWindow: number
  /** The level of threads that set none; null uses the model's default. */
  readonly defaultEffort: string | null
  readonly supportedEfforts: ReadonlyArray<string>
  /** How detailed the reasoning summary is unless configured; null requests none. */
  readonly defaultSummary: "auto" | null
  readonly verbosity: "low" | "medium" | "high" | null
  /** Supports patches as a separate tool with the patch grammar. */
  readonly supportsApplyPatch: boolean
  readonly supportsParallelToolCalls: boolean
  /** Receives its tools in the conversation instead of in the request. */
  readonly responsesLite: boolean
  readonly serviceTiers: ReadonlyArray<ModelServiceTier>
  readonly defaultServiceTier: string | null
}

export class ModelCatalog extends Context.Service<
  ModelCatalog,
  {
    /** For threads and configurations that set none. */
    readonly defaultModel: string
    /**
     * A page in the order of the catalogue. The cursor is the number of models before the page. With `only`, the list has
     * just that model, in the catalogue or not.
     */
    readonly list: (
      params: Pick<ModelListParams, "cursor" | "includeHidden" | "limit">,
      only?: string
    ) => Effect.Effect<ModelListResponse, InvalidCursor>
    /** Also matches suffixes of a known name (`gpt-5.5-2026-11-01`) and a namespace before it (`openai/gpt-5.5`). */
    readonly metadata: (model: string) => ModelMetadata
  }
>()("spindle/ModelCatalog") {}

/** The release's default, independent of the configuration; the first of its catalogue. */
export const defaultModel = "gpt-6.1-sol"

const FallbackContextWindow = 258_400

const levels = [
  ["low", "Fast responses with little reasoning"],
  ["medium", "Balances speed and reasoning depth"],
  ["high", "Deeper reasoning for hard problems"],
  ["xhigh", "Much deeper reasoning for hard problems"],
  ["max", "Maximum reasoning depth"],
  ["ultra", "Maximum reasoning depth, with tasks delegated to sub-agents"]
] as const

const tiersOf = (entry: Entry): ReadonlyArray<ModelServiceTier> =>
  entry.fast === null ? [] : [{ id: "priority", name: "Fast", description: `${entry.fast} times the speed` }]

const toModel = (entry: Entry, displayNameOf: (slug: string) => string): Model => ({
  id: entry.slug,
  model: entry.slug,
  upgrade: entry.upgrade,
  upgradeInfo:
    entry.upgrade === null
      ? null
      : {
          model: entry.upgrade,
          upgradeCopy: null,
          modelLink: null,
          migrationMarkdown: `${displayNameOf(entry.upgrade)} is the successor of ${entry.displayName}.\n`,
          retirementAt: null
        },
  availabilityNux: null,
  displayName: entry.displayName,
  description: entry.description,
  modelSpecialty: entry.specialty,
  hidden: entry.hidden,
  supportedReasoningEfforts: levels
    .slice(0, entry.levels)
    .map(([reasoningEffort, description]) => ({ reasoningEffort, description })),
  defaultReasoningEffort: entry.defaultEffort,
  inputModalities: ["text", "image"],
  supportsPersonality: false,
  multiAgentVersion: entry.multiAgentVersion,
  additionalSpeedTiers: entry.fast === null ? [] : ["fast"],
  serviceTiers: tiersOf(entry),
  defaultServiceTier: entry.fastByDefault ? "priority" : null,
  availableAccessPrograms: null,
  isDefault: entry.slug === defaultModel
})

/** A model outside the catalogue: it has no levels, tiers and upgrades. */
const onlyModel = (slug: string): Model => ({
  id: slug,
  model: slug,
  upgrade: null,
  upgradeInfo: null,
  availabilityNux: null,
  displayName: slug,
  description: "The only model of this server.",
  modelSpecialty: null,
  hidden: false,
  supportedReasoningEfforts: [],
  defaultReasoningEffort: "none",
  inputModalities: ["text", "image"],
  supportsPersonality: false,
  multiAgentVersion: null,
  additionalSpeedTiers: [],
  serviceTiers: [],
  defaultServiceTier: null,
  availableAccessPrograms: null,
  isDefault: true
})

const toMetadata = (model: string, entry: Entry | undefined): ModelMetadata =>
  entry === undefined
    ? {
        model,
        known: false,
        contextWindow: FallbackContextWindow,
        defaultEffort: null,
        supportedEfforts: [],
        defaultSummary: "auto",
        verbosity: null,
        supportsApplyPatch: false,
        supportsParallelToolCalls: true,
        responsesLite: false,
        serviceTiers: [],
        defaultServiceTier: null
      }
    : {
        model,
        known: true,
        contextWindow: entry.contextWindow,
        defaultEffort: entry.defaultEffort,
        supportedEfforts: levels.slice(0, entry.levels).map(([level]) => level),
        defaultSummary: null,
        verbosity: entry.verbosity,
        supportsApplyPatch: true,
        supportsParallelToolCalls: !entry.responsesLite,
        responsesLite: entry.responsesLite,
        serviceTiers: tiersOf(entry),
        defaultServiceTier: entry.fastByDefault ? "priority" : null
      }

/** The entry with the longest name that `slug` equals or starts with. */
const longestPrefix = (slug: string): Entry | undefined =>
  entries()
    .filter((entry) => slug.startsWith(entry.slug))
    .toSorted((left, right) => right.slug.length - left.slug.length)[0]

const find = (model: string): Entry | undefined => {
  const direct = longestPrefix(model)
  if (direct !== undefined) return direct
  const namespaced = /^[A-Za-z0-9_-]+\/([^/]+)$/.exec(model)?.[1]
  return namespaced === undefined ? undefined : longestPrefix(namespaced)
}

/** Accepts what the release's number parser accepts, including a sign. */
const offsetOf = (cursor: string, total: number): Effect.Effect<number, InvalidCursor> => {
  if (!/^\+?\d+$/.test(cursor)) return Effect.fail(new InvalidCursor({ cursor, total: null }))
  const offset = Number(cursor)
  return offset <= total ? Effect.succeed(offset) : Effect.fail(new InvalidCursor({ cursor, total }))
}

const make = (): ModelCatalog["Service"] => {
  let models: ReadonlyArray<Model> | undefined
  const all = (): ReadonlyArray<Model> => {
    const names = new Map(entries().map((entry) => [entry.slug, entry.displayName]))
    return (models ??= entries().map((entry) => toModel(entry, (slug) => names.get(slug) ?? slug)))
  }
  const known = new Map<string, ModelMetadata>()
  return {
    defaultModel,
    list: Effect.fnUntraced(function* ({ cursor, includeHidden, limit }, only) {
      const listed =
        only === undefined ? all().filter((model) => includeHidden === true || !model.hidden) : [onlyModel(only)]
      const start = cursor === null || cursor === undefined ? 0 : yield* offsetOf(cursor, listed.length)
      const end = Math.min(start + Math.max(limit ?? listed.length, 1), listed.length)
      return { data: listed.slice(start, end), nextCursor: end < listed.length ? String(end) : null }
    }),
    metadata: (model) => {
      const entry = find(model)
      // Only catalogue names are cached, because clients can send any number of other names.
      const remembered = entry?.slug === model ? known.get(model) : undefined
      if (remembered !== undefined) return remembered
      const metadata = toMetadata(model, entry)
      if (entry?.slug === model) known.set(model, metadata)
      return metadata
    }
  }
}

export const layer: Layer.Layer<ModelCatalog> = Layer.sync(ModelCatalog, make)
