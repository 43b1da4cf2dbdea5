/**
 * The models of release 0.169.0: what clients can choose from, and what the turn loop has to know about a model.
 *
 * Names, levels, windows and flags are the release's own; they say how a model is to be asked. A model that is not in the
 * catalogue works too, with cautious assumptions. Built on first use: loading the module costs nothing.
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

/** A cursor that no page gave. */
export class InvalidCursor extends Schema.TaggedError<InvalidCursor>()("InvalidCursor", {
  cursor: Schema.String,
  /** The number of models, for a number beyond it; null for what is no number. */
  total: Schema.NullOr(Schema.Int)
}) {
  override get message(): string {
    return this.total === null
      ? `invalid cursor: ${this.cursor}`
      : `cursor ${this.cursor} exceeds total models ${this.total}`
  }
}

/** How a model is asked, and what it takes. */
export interface ModelMetadata {
  /** As it was asked for. */
  readonly model: string
  /** False for a model that is not in the catalogue: all else is assumed. */
  readonly known: boolean
  /** Tokens that a conversation may fill, the share that is kept free taken off. */
  readonly contextWindow: number
  /** The level for threads that set none; null leaves it to the model. */
  readonly defaultEffort: string | null
  readonly supportedEfforts: ReadonlyArray<string>
  /** How much reasoning is summed up unless configured; null asks for no summary. */
  readonly defaultSummary: "auto" | null
  readonly verbosity: "low" | "medium" | "high" | null
  /** Takes patches as a tool of its own, in the patch grammar. */
  readonly supportsApplyPatch: boolean
  readonly supportsParallelToolCalls: boolean
  /** Is told its tools in the conversation instead of in the request. */
  readonly responsesLite: boolean
  readonly serviceTiers: ReadonlyArray<ModelServiceTier>
  readonly defaultServiceTier: string | null
}

export class ModelCatalog extends Context.Service<
  ModelCatalog,
  {
    /** Of threads and configurations that name none. */
    readonly defaultModel: string
    /**
     * A page in the order of the catalogue. The cursor is the number of models before the page. With `only`, that model is
     * the whole list, in the catalogue or not.
     */
    readonly list: (
      params: Pick<ModelListParams, "cursor" | "includeHidden" | "limit">,
      only?: string
    ) => Effect.Effect<ModelListResponse, InvalidCursor>
    /** Also for slugs that go on after a known name (`gpt-5.5-2026-11-01`) or are put in a namespace (`openai/gpt-5.5`). */
    readonly metadata: (model: string) => ModelMetadata
  }
>()("spindle/ModelCatalog") {}

/** Of the release, whatever the configuration; the first of its catalogue. */
export const defaultModel = "gpt-6.1-sol"

const fallbackContextWindow = 258_400

const levels = [
  ["low", "Quick answers, little reasoning"],
  ["medium", "A balance of speed and depth"],
  ["high", "More depth for hard problems"],
  ["xhigh", "Much more depth for hard problems"],
  ["max", "As deep as it goes"],
  ["ultra", "As deep as it goes, with tasks handed on to helpers"]
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

/** A model that no catalogue knows: it is offered without levels, tiers and upgrades. */
const onlyModel = (slug: string): Model => ({
  id: slug,
  model: slug,
  upgrade: null,
  upgradeInfo: null,
  availabilityNux: null,
  displayName: slug,
  description: "The one model of this server.",
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
        contextWindow: fallbackContextWindow,
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

/** The entry whose name `slug` is or begins with, the longest first. */
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

/** The release takes what its number parser takes, a sign included. */
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
      // Only names of the catalogue are remembered: the others are whatever clients send.
      const remembered = entry?.slug === model ? known.get(model) : undefined
      if (remembered !== undefined) return remembered
      const metadata = toMetadata(model, entry)
      if (entry?.slug === model) known.set(model, metadata)
      return metadata
    }
  }
}

export const layer: Layer.Layer<ModelCatalog> = Layer.sync(ModelCatalog, make)
