/**
 * The port to command rules: the rules of a thread, and the storage of new ones.
 *
 * Owns the shape of a rule. Does not own how rules apply to a command (`layers/tools/shell/ExecPolicy`), nor the rule files.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ConfigWarning, EffectiveConfig } from "../config/Config.ts"

/** The decision of a rule about a command: it runs, it needs approval, or it is refused. */
export type RuleDecision = "allow" | "prompt" | "forbidden"

/** A rule about commands that begin with certain arguments. */
export interface Rule {
  /** The alternatives at each position. A command matches when its first arguments match. */
  readonly pattern: ReadonlyArray<ReadonlyArray<string>>
  readonly decision: RuleDecision
  readonly justification: string | null
  /** Required by the organisation: neither a session approval nor another rule relaxes it. */
  readonly required?: boolean
  /** The organisation requires the user's answer in person, which an approval request cannot give: the command cannot run. */
  readonly needsUser?: boolean
}

/** All rules that apply to commands. */
export interface RuleSet {
  readonly rules: ReadonlyArray<Rule>
  /** Absolute paths that may name a program, from `host_executable`. */
  readonly hostExecutables: ReadonlyMap<string, ReadonlyArray<string>>
  /** True when a rule file could not be used. Its rules are unknown, so every command needs approval. */
  readonly incomplete: boolean
}

/** The rules of one thread. */
export interface ThreadRules {
  /** The current rules. */
  readonly current: () => RuleSet
  /** Warnings about files whose rules are not used. */
  readonly warnings: ReadonlyArray<ConfigWarning>
}

/** The rules of a thread cannot be read. The thread does not start. */
export class RulesUnavailable extends Schema.TaggedError<RulesUnavailable>()("RulesUnavailable", {
  /** The problem and the file. */
  detail: Schema.String
}) {
  override get message(): string {
    return `error creating thread: Fatal error: ${this.detail}`
  }
}

/** The port to the rules about commands. */
export class ExecRules extends Context.Service<
  ExecRules,
  {
    /** Reads the rules for a thread. Fails when an existing rule file cannot be read. */
    readonly open: (
      config: Pick<EffectiveConfig, "ruleFolders" | "requirementRules">
    ) => Effect.Effect<ThreadRules, RulesUnavailable>
    /** Adds a rule that allows commands with this prefix. An empty prefix adds nothing. Never fails. */
    readonly allow: (prefix: ReadonlyArray<string>) => Effect.Effect<void>
  }
>()("spindle/ExecRules") {}
