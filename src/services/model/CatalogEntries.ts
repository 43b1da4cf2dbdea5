/**
 * The model catalogue of release 0.169.0, one line per model, in its order.
 *
 * @module
 */

/** The properties that differ between models. */
export interface Entry {
  readonly slug: string
  readonly displayName: string
  readonly description: string
  readonly hidden: boolean
  readonly specialty: string | null
  /** The number of reasoning levels, from `low` up. */
  readonly levels: number
  readonly defaultEffort: string
  readonly multiAgentVersion: "v1" | "v2" | null
  /** The speed-up factor of the fast tier; null when there is none. */
  readonly fast: number | null
  readonly fastByDefault: boolean
  /** The model to upgrade to. */
  readonly upgrade: string | null
  /** Tokens. */
  readonly contextWindow: number
  readonly verbosity: "low" | "high"
  readonly responsesLite: boolean
}

/** The properties that most models share. */
const common = {
  hidden: false,
  specialty: null,
  levels: 6,
  defaultEffort: "medium",
  multiAgentVersion: "v2",
  fast: 1.5,
  fastByDefault: false,
  upgrade: null,
  contextWindow: 258_400,
  verbosity: "low",
  responsesLite: true
} as const

const cyber = { hidden: true, specialty: "cyber", fast: null } as const

const build = (): ReadonlyArray<Entry> => [
  {
    ...common,
    slug: "gpt-6.1-sol",
    displayName: "GPT-6.1-Sol",
    description: "The general-purpose model for code and daily work.",
    defaultEffort: "low",
    fast: 2
  },
  {
    ...common,
    slug: "gpt-6-astra",
    displayName: "GPT-6-Astra",
    description: "The most capable model, for the hardest tasks.",
    defaultEffort: "low",
    fast: 2
  },
  {
    ...common,
    slug: "gpt-6-sol",
    displayName: "GPT-6-Sol",
    description: "The previous general-purpose model.",
    fastByDefault: true
  },
  {
    ...common,
    slug: "gpt-6-luna",
    displayName: "GPT-6-Luna",
    description: "A small, fast model for simple tasks.",
    levels: 5,
    fastByDefault: true
  },
  {
    ...common,
    slug: "gpt-5.6-sol",
    displayName: "GPT-5.6-Sol",
    description: "An older general-purpose model.",
    defaultEffort: "low",
    upgrade: "gpt-6-sol"
  },
  {
    ...common,
    slug: "gpt-6.1-terra",
    displayName: "GPT-6.1 Terra",
    description: "A balanced model with a large context window.",
    defaultEffort: "low",
    contextWindow: 475_000
  },
  {
    ...common,
    slug: "gpt-5.6-terra",
    displayName: "GPT-5.6-Terra",
    description: "An older balanced model.",
    upgrade: "gpt-6-sol"
  },
  {
    ...common,
    slug: "gpt-5.6-luna",
    displayName: "GPT-5.6-Luna",
    description: "An older small model.",
    levels: 5,
    multiAgentVersion: "v1",
    upgrade: "gpt-6-luna"
  },
  {
    ...common,
    ...cyber,
    slug: "gpt-daybreak-blue-latest",
    displayName: "Daybreak Blue",
    description: "For defensive security work.",
    defaultEffort: "low"
  },
  {
    ...common,
    ...cyber,
    slug: "gpt-daybreak-red-latest",
    displayName: "Daybreak Red",
    description: "For authorised security research.",
    contextWindow: 353_400,
    verbosity: "high"
  },
  {
    ...common,
    slug: "gpt-5.5",
    displayName: "GPT-5.5",
    description: "An earlier coding model.",
    levels: 4,
    multiAgentVersion: null,
    upgrade: "gpt-6-sol",
    responsesLite: false
  },
  {
    ...common,
    slug: "codex-auto-review",
    displayName: "Codex Auto Review",
    description: "Reviews approval requests.",
    hidden: true,
    levels: 5,
    multiAgentVersion: "v1"
  }
]

let built: ReadonlyArray<Entry> | undefined

/** Every model, including hidden ones. */
export const entries = (): ReadonlyArray<Entry> => (built ??= build())
