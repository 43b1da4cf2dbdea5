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

type Differences = Partial<Omit<Entry, "slug" | "displayName" | "description">>

const model = (slug: string, displayName: string, description: string, differences: Differences): Entry => ({
  ...common,
  slug,
  displayName,
  description,
  ...differences
})

const build = (): ReadonlyArray<Entry> => [
  model("gpt-6.1-sol", "GPT-6.1-Sol", "The general-purpose model for code and daily work.", {
    defaultEffort: "low",
    fast: 2
  }),
  model("gpt-6-astra", "GPT-6-Astra", "The most capable model, for the hardest tasks.", {
    defaultEffort: "low",
    fast: 2
  }),
  model("gpt-6-sol", "GPT-6-Sol", "The previous general-purpose model.", { fastByDefault: true }),
  model("gpt-6-luna", "GPT-6-Luna", "A small, fast model for simple tasks.", { levels: 5, fastByDefault: true }),
  model("gpt-5.6-sol", "GPT-5.6-Sol", "An older general-purpose model.", {
    defaultEffort: "low",
    upgrade: "gpt-6-sol"
  }),
  model("gpt-6.1-terra", "GPT-6.1 Terra", "A balanced model with a large context window.", {
    defaultEffort: "low",
    contextWindow: 475_000
  }),
  model("gpt-5.6-terra", "GPT-5.6-Terra", "An older balanced model.", { upgrade: "gpt-6-sol" }),
  model("gpt-5.6-luna", "GPT-5.6-Luna", "An older small model.", {
    levels: 5,
    multiAgentVersion: "v1",
    upgrade: "gpt-6-luna"
  }),
  model("gpt-daybreak-blue-latest", "Daybreak Blue", "For defensive security work.", {
    ...cyber,
    defaultEffort: "low"
  }),
  model("gpt-daybreak-red-latest", "Daybreak Red", "For authorised security research.", {
    ...cyber,
    contextWindow: 353_400,
    verbosity: "high"
  }),
  model("gpt-5.5", "GPT-5.5", "An earlier coding model.", {
    levels: 4,
    multiAgentVersion: null,
    upgrade: "gpt-6-sol",
    responsesLite: false
  }),
  model("codex-auto-review", "Codex Auto Review", "Reviews approval requests.", {
    hidden: true,
    levels: 5,
    multiAgentVersion: "v1"
  })
]

let built: ReadonlyArray<Entry> | undefined

/** Every model, including hidden ones. */
export const entries = (): ReadonlyArray<Entry> => (built ??= build())
