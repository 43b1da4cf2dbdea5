import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Document from "../../../src/services/config/Document.ts"
import { combine } from "../../../src/services/config/Requirements.ts"
import { parseRules } from "../../../src/services/config/RequirementRules.ts"

const combined = (source: string) =>
  combine([{ origin: "/etc/codex/requirements.toml", table: Result.getOrThrow(Document.parse(source)) }])

const rules = (entry: string): string => `[rules]\nprefix_rules = [${entry}]`

describe("the requirement `rules`", () => {
  it("prompts or forbids, by tokens and their alternatives", () => {
    const source = rules(
      '{pattern = [{token = "git"}, {any_of = ["push", "fetch"]}], decision = "prompt", justification = "why"}, ' +
        '{pattern = [{token = "du"}], decision = "forbidden"}, {pattern = [{token = "df"}], decision = "prompt-user"}'
    )
    const { rules: raw, warnings } = Result.getOrThrow(combined(source))
    assert.deepStrictEqual(warnings, [])
    assert.deepStrictEqual(
      parseRules(raw),
      Result.succeed([
        { pattern: [["git"], ["push", "fetch"]], decision: "prompt" as const, justification: "why" },
        { pattern: [["du"]], decision: "forbidden" as const, justification: null },
        { pattern: [["df"]], decision: "prompt" as const, justification: null, needsUser: true }
      ])
    )
  })

  const invalid = (detail: string) =>
    `invalid rules in requirements (set by /etc/codex/requirements.toml): rules ${detail}`
  const first = (detail: string) => invalid(`prefix_rule at index 0 ${detail}`)
  const token = (detail: string) => first(`has an invalid pattern token at index 0: ${detail}`)
  const bad: ReadonlyArray<readonly [source: string, problem: string]> = [
    [rules(""), invalid("prefix_rules cannot be empty")],
    [
      rules('{pattern = [{token = "a"}], decision = "allow"}'),
      first(
        "has decision 'allow', which is not permitted in requirements.toml: Codex merges these rules with other config and uses the most restrictive result (use 'prompt', 'prompt-user', or 'forbidden')"
      )
    ],
    [rules('{pattern = [], decision = "prompt"}'), first("has an empty pattern")],
    [rules('{pattern = [{token = "a"}]}'), first("is missing a decision")],
    [
      rules('{pattern = [{token = "a"}], decision = "prompt", justification = " "}'),
      first("has an empty justification")
    ],
    [
      rules('{pattern = [{token = "a", any_of = ["b"]}], decision = "prompt"}'),
      token("set either token or any_of, not both")
    ],
    [rules('{pattern = [{}], decision = "prompt"}'), token("set either token or any_of")],
    [rules('{pattern = [{token = ""}], decision = "prompt"}'), token("token cannot be empty")],
    [rules('{pattern = [{any_of = []}], decision = "prompt"}'), token("any_of cannot be empty")],
    [rules('{pattern = [{any_of = ["a", ""]}], decision = "prompt"}'), token("any_of cannot include empty tokens")],
    [
      "[rules]",
      "failed to parse requirements layer /etc/codex/requirements.toml: missing field `prefix_rules`\nin `rules`\n"
    ]
  ]
  it.each(bad)("fails the start when it is invalid: %j", (source, problem) => {
    assert.deepStrictEqual(combined(source), Result.fail(problem))
  })
})
