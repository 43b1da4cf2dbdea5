/**
 * `--output-last-message`: writes the agent's last message to a file.
 *
 * Owns the file: it is checked for write access before the model request, and written once, after the turn.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import type { Reporter } from "../reporters/Reporter.ts"

/** The file cannot be written. */
export class LastMessageError extends Schema.TaggedError<LastMessageError>()("LastMessageError", {
  message: Schema.String
}) {}

export interface LastMessage {
  /** A reporter that also records the agent's completed messages. */
  readonly watching: (reporter: Reporter) => Reporter
  /** Writes the last message. When there is none, the file is empty and the reporter shows a remark. */
  readonly write: (reporter: Reporter) => Effect.Effect<void, LastMessageError>
}

/** Fails when the file cannot be written. Creates it if it does not exist, and keeps existing content. */
export const make = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<LastMessage, LastMessageError, FileSystem.FileSystem> {
  const fileSystem = yield* FileSystem.FileSystem
  const refuse = (error: { readonly message: string }) =>
    new LastMessageError({ message: `--output-last-message ${file} cannot be written: ${error.message}` })
  yield* Effect.mapError(fileSystem.writeFileString(file, "", { flag: "a" }), refuse)
  let text: string | undefined
  return {
    watching: (reporter) => ({
      ...reporter,
      notified: (notification) => {
        if (notification.method === "item/completed") {
          const { item } = notification.params
          if (item.type === "agentMessage") text = item.text
        }
        return reporter.notified(notification)
      }
    }),
    write: Effect.fnUntraced(function* (reporter) {
      yield* Effect.mapError(fileSystem.writeFileString(file, text ?? ""), refuse)
      if (text === undefined) yield* reporter.remark(`The agent sent no message: ${file} is empty.`)
    })
  }
})
