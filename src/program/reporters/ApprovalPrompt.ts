/**
 * What an agent asks before it acts, and the answers a person can give.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ServerRequest } from "../../protocol/Methods.ts"

/** `cancel` ends the turn; the others let it go on. */
export type Decision = "accept" | "acceptForSession" | "cancel" | "decline"

export interface ApprovalPrompt {
  /** The item that waits for the answer. */
  readonly itemId: string
  /** What would be done, for the person to read: a command, or files. */
  readonly subject: string
  /** As in "Run this command?". */
  readonly asks: string
  readonly reason: string | null
  /** The folder it would be done in. */
  readonly cwd: string | null
}

/** For those who cannot be asked. */
export const HowToAllow = "To let commands run unasked: --sandbox danger-full-access"

/** The question in a request of the server; none for requests that are no yes-or-no questions. */
export const questionOf = (request: ServerRequest): ApprovalPrompt | undefined => {
  switch (request.method) {
    case "item/commandExecution/requestApproval": {
      const { command, cwd, itemId, networkApprovalContext, reason } = request.params
      const host = networkApprovalContext?.host
      return {
        itemId,
        subject: command ?? (host === undefined ? "input for a running command" : `a connection to ${host}`),
        asks: host === undefined ? "Run this command?" : "Allow this connection?",
        reason: reason ?? null,
        cwd: cwd ?? null
      }
    }
    case "item/fileChange/requestApproval": {
      const { grantRoot, itemId, reason } = request.params
      return {
        itemId,
        subject: grantRoot == null ? "the changes above" : `files in ${grantRoot}`,
        asks: "Make these changes?",
        reason: reason ?? null,
        cwd: null
      }
    }
    default:
      return undefined
  }
}

/** The decision that a typed line stands for; none for one that has to be asked again. */
export const decisionOf = (line: string): Decision | undefined => {
  switch (line.trim().toLowerCase()) {
    case "y":
    case "yes":
      return "accept"
    case "a":
    case "always":
      return "acceptForSession"
    case "n":
    case "no":
      return "decline"
    case "s":
    case "stop":
      return "cancel"
    default:
      return undefined
  }
}

/** Asks until a line is an answer. An end of the input is a no. */
export const ask = (prompt: Effect.Effect<string | undefined>): Effect.Effect<Decision> =>
  Effect.flatMap(prompt, (line) => {
    if (line === undefined) return Effect.succeed<Decision>("decline")
    const decision = decisionOf(line)
    return decision === undefined ? ask(prompt) : Effect.succeed(decision)
  })
