/**
 * What a run is given besides flags: the prompt, from an argument or from stdin, and files.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { UsageError } from "./Usage.ts"

const noPrompt = (text: string): Effect.Effect<never, UsageError> => Effect.fail(new UsageError({ message: text }))

const fromStdin = Effect.fnUntraced(function* (stdio: Stdio.Stdio) {
  const text = yield* stdio.stdin.pipe(
    Stream.decodeText,
    Stream.mkString,
    Effect.catch(() => noPrompt("The prompt could not be read from stdin."))
  )
  return text.trim() === "" ? yield* noPrompt("No prompt: stdin is empty.") : text
})

/** The argument, or stdin where it is `-` or left out. A person at a terminal is not kept waiting for it. */
export const prompt = Effect.fnUntraced(function* (argument: string | undefined) {
  if (argument !== undefined && argument !== "-") {
    return argument.trim() === "" ? yield* noPrompt("No prompt: the argument is empty.") : argument
  }
  const stdio = yield* Stdio.Stdio
  if (argument === undefined && (yield* stdio.stdinIsTerminal)) {
    return yield* noPrompt('No prompt: give one as an argument, spindle exec "…", or on stdin.')
  }
  return yield* fromStdin(stdio)
})

const decodeSchema = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json))

/** The JSON Schema in a file. */
export const outputSchema = Effect.fnUntraced(function* (file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(
    fileSystem.readFileString(file),
    (error) => new UsageError({ message: `--output-schema ${file} cannot be read (${error.reason._tag})` })
  )
  return yield* Effect.mapError(
    decodeSchema(text),
    () => new UsageError({ message: `--output-schema ${file} is not JSON` })
  )
})
