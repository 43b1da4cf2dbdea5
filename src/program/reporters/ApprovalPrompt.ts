/**
 * The questions of an agent before it acts, and the user's answers.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ServerRequest } from "../../protocol/Methods.ts"

/** `cancel` ends the turn; after the others it continues. `nobody`: no user can answer. */
export type Decision = "accept" | "acceptForSession" | "cancel" | "decline" | "nobody"

export interface ApprovalPrompt {
  /** The item that waits for the answer. */
  readonly itemId: string
  /** What needs approval, as shown to the user: a command, or files. */
  readonly subject: string
  /** The question, such as "Run this command?". */
  readonly question: string
  /** What `always` covers, such as "this exact command in this folder". */
  readonly always: string
  readonly reason: string | null
  /** The working directory of the action. */
  readonly cwd: string | null
}

/** A hint for runs without a user to ask. */
export const HowToAllow = "To run commands without approval: --sandbox danger-full-access"

/** The question in a server request; undefined for requests that are not approvals. */
/** A request that the user can answer with a decision. */
export type ApprovalRequest = Extract<
  ServerRequest,
  { readonly method: "item/commandExecution/requestApproval" | "item/fileChange/requestApproval" }
>

export const isApproval = (request: ServerRequest): request is ApprovalRequest => questionOf(request) !== undefined

export const questionOf = (request: ServerRequest): ApprovalPrompt | undefined => {
  switch (request.method) {
    case "item/commandExecution/requestApproval": {
      const { command, cwd, itemId, networkApprovalContext, reason } = request.params
      const host = networkApprovalContext?.host
      return {
        itemId,
        subject: command ?? (host === undefined ? "input for a running command" : `a connection to ${host}`),
        question: host === undefined ? "Run this command?" : "Allow this connection?",
        always: host === undefined ? "this exact command in this folder" : `connections to ${host}`,
        reason: reason ?? null,
        cwd: cwd ?? null
      }
    }
    case "item/fileChange/requestApproval": {
      const { grantRoot, itemId, reason } = request.params
      return {
        itemId,
        subject: grantRoot == null ? "the changes above" : `files in ${grantRoot}`,
        question: "Make these changes?",
        always: grantRoot == null ? "changes of these files" : `changes in ${grantRoot}`,
        reason: reason ?? null,
        cwd: null
      }
    }
    default:
      return undefined
  }
}

/** The decision for an input line; undefined when the question must be repeated. */
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

/** The answers that `decisionOf` reads, as the question shows them. */
export const choicesOf = ({ always }: ApprovalPrompt): string =>
  `[y]es, [n]o, [a]lways in this run: ${always}, [s]top the turn:`

/** Why an action that needs approval was declined where there is no user. */
export const nobodyToAsk = (reason: string): string => `declined: ${reason}. ${HowToAllow}`

/** Repeats the question until the answer is valid. The end of the input declines. */
export const ask = (prompt: Effect.Effect<string | undefined>): Effect.Effect<Decision> =>
  Effect.flatMap(prompt, (line) => {
    if (line === undefined) return Effect.succeed<Decision>("decline")
    const decision = decisionOf(line)
    return decision === undefined ? ask(prompt) : Effect.succeed(decision)
  })
