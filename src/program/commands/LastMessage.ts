/**
 * `--output-last-message`: the last message of the agent, in a file.
 *
 * Owns the file: that it can be written is checked before the model is asked, and it is written once, when the turn has ended.
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
  /** The reporter, with every completed message of the agent noted. */
  readonly watching: (reporter: Reporter) => Reporter
  /** Writes the last message. Without one the file is empty, which the reporter says. */
  readonly write: (reporter: Reporter) => Effect.Effect<void, LastMessageError>
}

/** Fails when the file cannot be written. It is created, or left as it is. */
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
