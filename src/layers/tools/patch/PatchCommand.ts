/**
 * Applies a patch that the model wrote as a command.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import { isTooDeep } from "../../../protocol/jsonrpc/JsonText.ts"
import type { ToolCall, ToolTurn, TurnCancelled } from "../../../services/tool/Tool.ts"
import { find, isBarePatch } from "./HereDocument.ts"
import type { PatchCall, PatchOutcome } from "./PatchThread.ts"

/** The two arguments of `exec_command` that matter here. Undefined for arguments that the shell reports as wrong. */
const argumentsOf = (input: string): { readonly cmd: string; readonly workdir: string } | undefined => {
  if (isTooDeep(input)) return undefined
  try {
    const value: unknown = JSON.parse(input)
    if (typeof value !== "object" || value === null || !("cmd" in value) || typeof value.cmd !== "string")
      return undefined
    const workdir = "workdir" in value ? (value.workdir ?? "") : ""
    return typeof workdir === "string" ? { cmd: value.cmd, workdir } : undefined
  } catch {
    return undefined
  }
}

const bare =
  "apply_patch verification failed: patch detected without explicit call to apply_patch. " +
  'Rerun as ["apply_patch", "<patch>"]'

/** The outcome of the patch in a call of `exec_command`; undefined when its command line is no patch. */
export const inCommand = (
  call: ToolCall,
  turn: ToolTurn,
  apply: (call: PatchCall, turn: ToolTurn) => Effect.Effect<PatchOutcome, TurnCancelled>
): Effect.Effect<PatchOutcome | undefined, TurnCancelled> =>
  Effect.suspend(() => {
    const args = argumentsOf(call.input)
    if (args === undefined) return Effect.succeed(undefined)
    if (isBarePatch(args.cmd)) return Effect.succeed({ text: bare, success: false })
    const patch = find(args.cmd)
    if (patch === undefined) return Effect.succeed(undefined)
    const cwd = Path.resolve(turn.cwd, args.workdir, patch.folder ?? "")
    return Effect.map(apply({ callId: call.callId, text: patch.text, cwd }, turn), (outcome) =>
      // The output of a command begins with its time.
      outcome.success ? { ...outcome, text: `Wall time: 0.0000 seconds\nOutput:\n${outcome.text}` } : outcome
    )
  })
