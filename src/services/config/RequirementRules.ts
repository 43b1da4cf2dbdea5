/**
 * The requirement `rules`: the organisation's rules about commands. They prompt or forbid; they never allow.
 *
 * Owns the schema and the checks that it cannot express. The tools apply the rules to commands.
 *
 * @module
 */
import * as Result from "effect/Result"
import { type SettingType, list, literals, optional, required, section, text } from "./SettingType.ts"
import { get, getText, isTable, type Table } from "./Table.ts"

export interface RequirementRule {
  /** The alternatives at each position of a command. */
  readonly pattern: ReadonlyArray<ReadonlyArray<string>>
  readonly decision: "prompt" | "forbidden"
  readonly justification: string | null
  /** `prompt-user`: only the user may answer, not a reviewer. */
  readonly needsUser?: boolean
}

/** The schema of the section. */
export const rulesKind: SettingType = section({
  prefix_rules: required(
    list(
      section({
        pattern: required(list(section({ token: optional(text), any_of: optional(list(text)) }))),
        decision: optional(literals("allow", "prompt", "prompt-user", "forbidden")),
        justification: optional(text)
      })
    )
  )
})

/** The rules of a section that matches the schema. Fails with the release's text of the first error. */
export const parseRules = (rules: unknown): Result.Result<ReadonlyArray<RequirementRule>, string> => {
  if (rules === null || rules === undefined) return Result.succeed([])
  const entries = tables(tableOf(rules), "prefix_rules")
  if (entries === undefined || entries.length === 0) return Result.fail("rules prefix_rules cannot be empty")
  const parsed: Array<RequirementRule> = []
  for (const [index, entry] of entries.entries()) {
    const rule = parseRule(entry)
    if (Result.isFailure(rule)) return Result.fail(`rules prefix_rule at index ${index} ${rule.failure}`)
    parsed.push(rule.success)
  }
  return Result.succeed(parsed)
}

const tableOf = (value: unknown): Table => (isTable(value) ? value : {})

/** The tables of the list `key`; undefined when it is not a list of tables. */
const tables = (table: Table, key: string): ReadonlyArray<Table> | undefined => {
  const value = get(table, key)
  return Array.isArray(value) && value.every(isTable) ? value : undefined
}

const parseRule = (entry: Table): Result.Result<RequirementRule, string> => {
  const positions = tables(entry, "pattern") ?? []
  if (positions.length === 0) return Result.fail("has an empty pattern")
  const pattern: Array<ReadonlyArray<string>> = []
  for (const [index, position] of positions.entries()) {
    const alternatives = parsePosition(position)
    if (Result.isFailure(alternatives)) {
      return Result.fail(`has an invalid pattern token at index ${index}: ${alternatives.failure}`)
    }
    pattern.push(alternatives.success)
  }
  const justification = getText(entry, "justification") ?? null
  if (justification?.trim() === "") return Result.fail("has an empty justification")
  switch (getText(entry, "decision")) {
    case undefined:
      return Result.fail("is missing a decision")
    case "prompt":
      return Result.succeed({ pattern, decision: "prompt", justification })
    case "prompt-user":
      return Result.succeed({ pattern, decision: "prompt", justification, needsUser: true })
    case "forbidden":
      return Result.succeed({ pattern, decision: "forbidden", justification })
    default:
      return Result.fail(
        "has decision 'allow', which is not permitted in requirements.toml: Codex merges these rules with other config and uses the most restrictive result (use 'prompt', 'prompt-user', or 'forbidden')"
      )
  }
}

const parsePosition = (position: Table): Result.Result<ReadonlyArray<string>, string> => {
  const token = getText(position, "token")
  const anyOf = get(position, "any_of")
  if (token !== undefined && anyOf !== undefined) return Result.fail("set either token or any_of, not both")
  if (token !== undefined) return token === "" ? Result.fail("token cannot be empty") : Result.succeed([token])
  if (!Array.isArray(anyOf)) return Result.fail("set either token or any_of")
  const tokens = anyOf.filter((word) => typeof word === "string")
  if (tokens.length === 0) return Result.fail("any_of cannot be empty")
  return tokens.includes("") ? Result.fail("any_of cannot include empty tokens") : Result.succeed(tokens)
}
