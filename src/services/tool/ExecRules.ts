/**
 * The port to the rules about commands: which are in force for a thread, and where new ones are kept.
 *
 * Owns what a rule is. Does not own what the rules mean for a command (`layers/tools/shell/ExecPolicy`), nor the files that
 * they are read from.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ConfigWarning, EffectiveConfig } from "../config/Config.ts"

export type RuleDecision = "allow" | "prompt" | "forbidden"

export interface Rule {
  /** The alternatives at each position; a command matches when its first words do. */
  readonly pattern: ReadonlyArray<ReadonlyArray<string>>
  readonly decision: RuleDecision
  readonly justification: string | null
  /** The organisation demands it: no answer for the session and no other rule loosens it. */
  readonly required?: boolean
  /** The organisation demands an answer of the user in person, which no approval request can give: it cannot run. */
  readonly needsUser?: boolean
}

/** Everything that is in force for a command. */
export interface RuleSet {
  readonly rules: ReadonlyArray<Rule>
  /** Absolute paths by which a program may be named, from `host_executable`. */
  readonly hostExecutables: ReadonlyMap<string, ReadonlyArray<string>>
  /** A file of rules could not be used. What it would forbid is unknown, so nothing is let through unasked. */
  readonly incomplete: boolean
}

/** The rules of one thread. */
export interface ThreadRules {
  /** What is in force now. */
  readonly current: () => RuleSet
  /** For the user: files whose rules do not count. */
  readonly warnings: ReadonlyArray<ConfigWarning>
}

/** The rules of a thread cannot be read: the thread is not started. */
export class RulesUnavailable extends Schema.TaggedError<RulesUnavailable>()("RulesUnavailable", {
  /** What is wrong, and with which file. */
  detail: Schema.String
}) {
  override get message(): string {
    return `error creating thread: Fatal error: ${this.detail}`
  }
}

export class ExecRules extends Context.Service<
  ExecRules,
  {
    /** Reads the rules for a thread. Fails where a file of rules is there and cannot be read. */
    readonly open: (
      config: Pick<EffectiveConfig, "ruleFolders" | "requirementRules">
    ) => Effect.Effect<ThreadRules, RulesUnavailable>
    /** Lets commands with this prefix through from now on. An empty prefix adds nothing. Never fails. */
    readonly allow: (prefix: ReadonlyArray<string>) => Effect.Effect<void>
  }
>()("spindle/ExecRules") {}
