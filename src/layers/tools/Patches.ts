/**
 * The tool `apply_patch` of a thread, and patches in command lines.
 *
 * Owns the declaration for the model. Does not own the work of a patch, which is loaded with the first one (`patch/`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { EffectiveConfig } from "../../services/config/Config.ts"
import type { Sandbox } from "../../services/sandbox/Sandbox.ts"
import type { FileHistory } from "../../services/tool/FileHistory.ts"
import {
  failure,
  text,
  type Tool,
  type ToolCall,
  type ToolOutput,
  type ToolTurn,
  type TurnCancelled
} from "../../services/tool/Tool.ts"
import type { PatchProgress } from "./patch/PatchProgress.ts"
import type { PatchCall, PatchOutcome } from "./patch/PatchThread.ts"

/** The grammar of a patch for models that write free text, in the form of Lark. */
const grammar = `start: begin file+ end
begin: "*** Begin Patch" LF
end: "*** End Patch" LF?

file: added | deleted | updated
added: "*** Add File: " name LF ("+" /(.*)/ LF)+
deleted: "*** Delete File: " name LF
updated: "*** Update File: " name LF moved? chunk+
moved: "*** Move to: " name LF
chunk: anchor? line+ eof?

anchor: ("@@" | "@@ " /(.+)/) LF
line: ("+" | "-" | " ") /(.*)/ LF
eof: "*** End of File" LF
name: /(.+)/

%import common.LF
`

/** The declaration of `apply_patch`. */
export const spec: Tool["spec"] = {
  type: "custom",
  name: "apply_patch",
  description:
    "Creates, edits, moves and deletes text files. The input is the patch itself, not JSON. Either all of its changes are made, or none.",
  format: { type: "grammar", syntax: "lark", definition: grammar }
}

/** The patches of a thread. */
export interface ThreadPatches {
  /** The tool for models that write patches as free text. */
  readonly tool: Tool
  /** Applies the patch in a call of `exec_command`. Undefined when its command line is no patch. */
  readonly inCommand: (call: ToolCall, turn: ToolTurn) => Effect.Effect<ToolOutput | undefined, TurnCancelled>
}

const outputOf = (outcome: PatchOutcome): ToolOutput => (outcome.success ? text(outcome.text) : failure(outcome.text))

/** Only such a call is parsed a second time. */
const mayBePatch = /apply_?patch|\*\*\* Begin Patch/

/** Whether clients see a patch while the model writes it: `features.apply_patch_streaming_events`. Default: false. */
const isStreamed = ({ settings }: Pick<EffectiveConfig, "settings">): boolean => {
  const features: unknown = settings["features"]
  return Predicate.hasProperty(features, Streaming) && features[Streaming] === true
}

const Streaming = "apply_patch_streaming_events"

/** Publishes the patches that the model writes. An answer has one at a time. */
const streaming = (): Required<Pick<Tool, "onInput">> & { readonly end: (callId: string) => Effect.Effect<void> } => {
  let open: { readonly callId: string; readonly progress: PatchProgress } | undefined
  return {
    onInput: Effect.fnUntraced(function* (callId, delta, turn) {
      if (open?.callId !== callId) {
        const { PatchProgress } = yield* Effect.promise(() => import("./patch/PatchProgress.ts"))
        open = { callId, progress: new PatchProgress(callId, turn) }
      }
      yield* open.progress.add(delta)
    }),
    end: (callId) =>
      Effect.suspend(() => {
        const last = open
        open = undefined
        return last?.callId === callId ? last.progress.show : Effect.void
      })
  }
}

/** The patches of a new thread. Without a history of files none is kept. */
export const open = (
  sandbox: Sandbox["Service"],
  history: FileHistory["Service"] | undefined,
  config: Pick<EffectiveConfig, "settings">
): Effect.Effect<ThreadPatches> =>
  Effect.gen(function* () {
    const streamed = isStreamed(config) ? streaming() : undefined
    const thread = yield* Effect.cached(
      Effect.map(
        Effect.promise(() => import("./patch/PatchThread.ts")),
        ({ PatchThread }) => new PatchThread(sandbox, history)
      )
    )
    const apply = (call: PatchCall, turn: ToolTurn) => Effect.flatMap(thread, (patches) => patches.apply(call, turn))
    return {
      tool: {
        spec,
        publishesItems: true,
        asksFirst: true,
        offered: ({ model }) => (model.supportsApplyPatch ? spec : undefined),
        ...(streamed === undefined ? {} : { onInput: streamed.onInput }),
        run: ({ callId, input }, turn) =>
          Effect.andThen(
            streamed?.end(callId) ?? Effect.void,
            Effect.map(apply({ callId, text: input, cwd: turn.cwd }, turn), outputOf)
          )
      },
      inCommand: Effect.fnUntraced(function* (call, turn) {
        if (!mayBePatch.test(call.input)) return undefined
        const { inCommand } = yield* Effect.promise(() => import("./patch/PatchCommand.ts"))
        const outcome = yield* inCommand(call, turn, apply)
        return outcome === undefined ? undefined : outputOf(outcome)
      })
    }
  })
