/**
 * Matches rules against the words of a command. The shape of a rule is in the port (`services/tool/ExecRules`). A rule that
 * allows is matched narrowly: the program must be named as in the rule, or by a path that `host_executable` lists for it. A
 * rule that prompts or forbids is matched widely: any path and any letter case of the program.
 *
 * @module
 */
import * as Path from "node:path"
import type { Rule, RuleSet } from "../../../services/tool/ExecRules.ts"

/** An empty set of rules. */
export const none: RuleSet = { rules: [], hostExecutables: new Map(), incomplete: false }

export const allowPrefix = (prefix: ReadonlyArray<string>): Rule => ({
  pattern: prefix.map((word) => [word]),
  decision: "allow",
  justification: null
})

/** A word of a command; null when only the shell can compute it. */
export type Word = string | null

/** Normalizes a program's name for comparison, because some file systems ignore case and Unicode form. */
export const programName = (word: string): string => Path.basename(word).normalize("NFKC").toLowerCase()

/** True when `words` begin with the rule's pattern, the program's name included. */
export const matches = (rule: Rule, words: ReadonlyArray<Word>): boolean => matchesFrom(rule, words, 0)

/** True when an allowing rule applies to a command. */
export const allows = (rule: Rule, words: ReadonlyArray<string>, { hostExecutables }: RuleSet): boolean => {
  if (matches(rule, words)) return true
  const [program = ""] = words
  const name = Path.basename(program)
  return (
    hostExecutables.get(name)?.includes(program) === true &&
    rule.pattern[0]?.includes(name) === true &&
    matchesFrom(rule, words, 1)
  )
}

/**
 * Whether a restricting rule applies to a command: `yes`, or `maybe` when a word is unknown or an option stands between the
 * words of the pattern.
 */
export const restricts = (rule: Rule, words: ReadonlyArray<Word>): "yes" | "maybe" | "no" => {
  const [program] = words
  if (program === undefined) return "no"
  if (program === null) return "maybe"
  const [first = [], ...rest] = rule.pattern
  const isProgram = first.some((word) => word === program || programName(word) === programName(program))
  if (!isProgram) return "no"
  if (matchesFrom(rule, words, 1)) return "yes"
  return mayFollow(rest, words.slice(1)) ? "maybe" : "no"
}

/** True when the rest of a pattern may occur in `words`, after options or in unknown words. */
const mayFollow = (pattern: Rule["pattern"], words: ReadonlyArray<Word>): boolean => {
  let position = 0
  let isLoose = false
  for (const word of words) {
    if (position === pattern.length) return true
    if (word === null) return true
    if (pattern[position]?.includes(word) === true) position++
    else if (word.startsWith("-")) isLoose = true
    else if (!isLoose) return false
  }
  return position === pattern.length
}

const matchesFrom = (rule: Rule, words: ReadonlyArray<Word>, from: number): boolean =>
  rule.pattern.length <= words.length &&
  rule.pattern.every((alternatives, position) => {
    const word = words[position]
    return position < from || (typeof word === "string" && alternatives.includes(word))
  })
