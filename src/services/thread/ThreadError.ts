/**
 * The errors of thread requests. Their messages are part of the protocol: clients match on them.
 *
 * @module
 */
import * as Schema from "effect/Schema"

/** No thread with this id is loaded or stored. */
export class ThreadNotFound extends Schema.TaggedError<ThreadNotFound>()("ThreadNotFound", {
  threadId: Schema.String,
  /** What the request needed: a loaded thread, a thread to read, a record to resume, or an archived one. */
  sought: Schema.Literals(["loaded", "readable", "record", "archived record"])
}) {
  override get message(): string {
    if (this.sought === "record") return `no rollout found for thread id ${this.threadId}`
    if (this.sought === "archived record") return `no archived rollout found for thread id ${this.threadId}`
    return this.sought === "loaded" ? `thread not found: ${this.threadId}` : `thread not loaded: ${this.threadId}`
  }
}

/** The id is not a UUID. */
export class InvalidThreadId extends Schema.TaggedError<InvalidThreadId>()("InvalidThreadId", {
  kind: Schema.Literals([
    "thread",
    "session",
    "before thread",
    "excluded thread",
    "parent thread",
    "ancestor thread",
    "attached thread parent"
  ]),
  detail: Schema.String
}) {
  override get message(): string {
    return `invalid ${this.kind} id: ${this.detail}`
  }
}

/** The thread is being unloaded. Retryable. */
export class ThreadClosing extends Schema.TaggedError<ThreadClosing>()("ThreadClosing", {
  threadId: Schema.String,
  resuming: Schema.Boolean
}) {
  override get message(): string {
    const retry = this.resuming ? "retry thread/resume after" : "retry after"
    return `thread ${this.threadId} is closing; ${retry} the thread is closed`
  }
}

/** The server drains and starts no turn. A retry succeeds after the restart or on another server. */
export class ServerDraining extends Schema.TaggedError<ServerDraining>()("ServerDraining", {}) {
  override get message(): string {
    return "Server is draining; retry after reconnecting"
  }
}

/** No turn runs that could be steered or interrupted. */
export class NoActiveTurn extends Schema.TaggedError<NoActiveTurn>()("NoActiveTurn", {
  purpose: Schema.Literals(["steer", "interrupt"])
}) {
  override get message(): string {
    return `no active turn to ${this.purpose}`
  }
}

/** The running turn is not the expected one. */
export class TurnMismatch extends Schema.TaggedError<TurnMismatch>()("TurnMismatch", {
  purpose: Schema.Literals(["steer", "interrupt"]),
  expected: Schema.String,
  found: Schema.String
}) {
  override get message(): string {
    return this.purpose === "steer"
      ? `expected active turn id \`${this.expected}\` but found \`${this.found}\``
      : `expected active turn id ${this.expected} but found ${this.found}`
  }
}

/** The kind of the running turn takes no input. */
export class TurnNotSteerable extends Schema.TaggedError<TurnNotSteerable>()("TurnNotSteerable", {
  /** `steer` for turn/steer, `submit` for turn/start. */
  purpose: Schema.Literals(["steer", "submit"]),
  turnKind: Schema.Literals(["review", "compact"])
}) {
  override get message(): string {
    const { purpose, turnKind } = this
    if (purpose === "steer") return `cannot steer a ${turnKind} turn`
    const variant = turnKind === "compact" ? "Compact" : "Review"
    return `failed to submit turn input: ActiveTurnNotSteerable { turn_kind: ${variant} }`
  }
}

/** The thread has no environment in which a command could run. */
export class ShellUnavailable extends Schema.TaggedError<ShellUnavailable>()("ShellUnavailable", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** The input of a turn is invalid. `problem` is the error text. */
export class InvalidInput extends Schema.TaggedError<InvalidInput>()("InvalidInput", {
  problem: Schema.Literals(["expectedTurnId must not be empty", "input must not be empty"])
}) {
  override get message(): string {
    return this.problem
  }
}

/** Maximum number of characters of user text in one request, over all its text items. */
export const MaxInputChars = 1 << 20

/** The user text is longer than `MaxInputChars`. */
export class InputTooLarge extends Schema.TaggedError<InputTooLarge>()("InputTooLarge", {
  actualChars: Schema.Int
}) {
  override get message(): string {
    return `Input exceeds the maximum length of ${MaxInputChars} characters.`
  }
}

/** Settings that exclude each other, or that the requirements do not allow. */
export class InvalidSettings extends Schema.TaggedError<InvalidSettings>()("InvalidSettings", {
  detail: Schema.String
}) {
  override get message(): string {
    return `invalid thread settings override: ${this.detail}`
  }
}

/** The thread has no such turn. */
export class TurnNotFound extends Schema.TaggedError<TurnNotFound>()("TurnNotFound", { turnId: Schema.String }) {
  override get message(): string {
    return `turn not found: ${this.turnId}`
  }
}

/** A fork cannot end with a running turn. */
export class TurnInProgress extends Schema.TaggedError<TurnInProgress>()("TurnInProgress", { turnId: Schema.String }) {
  override get message(): string {
    return `lastTurnId '${this.turnId}' identifies an in-progress turn`
  }
}

/** The thread has no history that could be read in pages: no turn has started, or it is unknown or kept in memory only. */
export class HistoryUnavailable extends Schema.TaggedError<HistoryUnavailable>()("HistoryUnavailable", {
  /** What was to be read. */
  operation: Schema.Literals([
    "list_turns",
    "thread/items/list",
    "thread/items/read",
    "thread/searchOccurrences",
    "thread/timeline/list"
  ])
}) {
  override get message(): string {
    return `${this.operation} is not supported yet`
  }
}

/** The text is no cursor of this query. */
export class InvalidCursor extends Schema.TaggedError<InvalidCursor>()("InvalidCursor", {
  /** The begin of the text. */
  cursor: Schema.String
}) {
  override get message(): string {
    return `invalid cursor: ${this.cursor}`
  }
}

/** The thread is kept in memory only, and what was asked is only for stored threads. */
export class EphemeralThread extends Schema.TaggedError<EphemeralThread>()("EphemeralThread", {
  threadId: Schema.String,
  /** A kind of change, or a method. */
  unsupported: Schema.Literals([
    "metadata updates",
    "section moves",
    "goals",
    "queued submissions",
    "thread/turns/list",
    "thread/revert",
    "deletion"
  ])
}) {
  override get message(): string {
    const { threadId, unsupported } = this
    if (unsupported === "deletion") return `thread is not persisted and cannot be deleted: ${threadId}`
    return unsupported.startsWith("thread/")
      ? `ephemeral threads do not support ${unsupported}`
      : `ephemeral thread does not support ${unsupported}: ${threadId}`
  }
}

/** The thread is archived. */
export class ThreadArchived extends Schema.TaggedError<ThreadArchived>()("ThreadArchived", {
  threadId: Schema.String
}) {
  override get message(): string {
    const { threadId } = this
    return `session ${threadId} is archived. Run \`codex unarchive ${threadId}\` to unarchive it first.`
  }
}

/** The thread is loaded, and the request is for threads that are not. */
export class ThreadInUse extends Schema.TaggedError<ThreadInUse>()("ThreadInUse", { threadId: Schema.String }) {
  override get message(): string {
    return `thread ${this.threadId} already has an active writer`
  }
}

/** The file that a request names is not that of the loaded thread. */
export class StalePath extends Schema.TaggedError<StalePath>()("StalePath", {
  threadId: Schema.String,
  requested: Schema.String,
  /** The thread's own file; null when it has none. */
  active: Schema.NullOr(Schema.String)
}) {
  override get message(): string {
    const { active, requested, threadId } = this
    return `cannot resume running thread ${threadId} with stale path: requested \`${requested}\`, active \`${active ?? ""}\``
  }
}

/** What was asked is not possible in the state of the thread's queue or goal. `problem` is the error text. */
export class ThreadRefusal extends Schema.TaggedError<ThreadRefusal>()("ThreadRefusal", { problem: Schema.String }) {
  override get message(): string {
    return this.problem
  }
}

export type ThreadError =
  | ThreadNotFound
  | InvalidThreadId
  | ThreadClosing
  | ServerDraining
  | NoActiveTurn
  | TurnMismatch
  | TurnNotSteerable
  | ShellUnavailable
  | InvalidInput
  | InputTooLarge
  | InvalidSettings
  | TurnNotFound
  | TurnInProgress
  | HistoryUnavailable
  | InvalidCursor
  | EphemeralThread
  | ThreadArchived
  | ThreadInUse
  | ThreadRefusal
  | StalePath
