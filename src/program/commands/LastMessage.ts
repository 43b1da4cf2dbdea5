/**
 * `--output-last-message`: writes the agent's last message to a file.
 *
 * Owns the file: it is checked for write access before anything else starts, and written once, after the turn. Anything that
 * is not a regular file, such as a pipe, stays open in between, because its reader would take a close for the end.
 *
 * @module
 */
import { constants } from "node:fs"
import { type FileHandle, open, writeFile } from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Reporter } from "../reporters/Reporter.ts"
import { problemOf } from "./FileProblem.ts"

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

const trying = <A>(file: string, run: () => Promise<A>): Effect.Effect<A, LastMessageError> =>
  Effect.tryPromise({
    try: run,
    catch: (error) =>
      new LastMessageError({ message: `--output-last-message ${file} cannot be written: ${problemOf(error)}` })
  })

const opened = (file: string, flags: number): Effect.Effect<FileHandle, LastMessageError, Scope.Scope> =>
  Effect.acquireRelease(
    trying(file, () => open(file, flags, 0o666)),
    (handle) => Effect.promise(() => handle.close().catch(() => undefined))
  )

/** The open file if it must stay open; undefined for a regular file. Creates it if it does not exist, and keeps its content. */
const checked = Effect.fnUntraced(function* (file: string) {
  // Not blocking: a pipe without a reader would wait for one.
  const probe = opened(file, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK)
  const scope = yield* Effect.scope
  return yield* probe.pipe(
    Effect.flatMap((handle) => trying(file, () => handle.stat())),
    // Opened again before the probe is closed, so that a reader sees no end.
    Effect.flatMap((stat) =>
      stat.isFile() ? Effect.undefined : Scope.provide(opened(file, constants.O_WRONLY), scope)
    ),
    Effect.scoped
  )
})

/** Fails when the file cannot be written. */
export const make = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<LastMessage, LastMessageError, Scope.Scope> {
  const special = yield* checked(file)
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
      yield* trying(file, () => writeFile(special ?? file, text ?? ""))
      if (text === undefined) yield* reporter.remark(`The agent sent no message: ${file} is empty.`)
    })
  }
})
