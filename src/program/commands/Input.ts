/**
 * The input of a run besides flags: the prompt, from an argument or from stdin, and files.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { MaxDepth } from "../../protocol/jsonrpc/Depth.ts"
import { isTooDeep } from "../../protocol/jsonrpc/JsonText.ts"
import * as SmallFiles from "../../services/config/SmallFiles.ts"
import { TerminalConsole } from "../console/Console.ts"
import { UsageError } from "./Usage.ts"

const noPrompt = (text: string): Effect.Effect<never, UsageError> => Effect.fail(new UsageError({ message: text }))

/** Size limit of a prompt on stdin in bytes: more than the protocol's limit in characters. */
const MaxPromptBytes = 8 * 1024 * 1024

/** Size limit of a JSON Schema in bytes. */
const MaxSchemaBytes = 1024 * 1024

/** Fails with the first chunk beyond the limit, so that no more than that is kept. */
const limited = () => {
  let left = MaxPromptBytes
  return (chunk: Uint8Array) => {
    left -= chunk.length
    return left < 0 ? noPrompt(`The prompt on stdin is longer than ${MaxPromptBytes} bytes.`) : Effect.succeed(chunk)
  }
}

const readStdin = (stdio: Stdio.Stdio): Effect.Effect<string, UsageError> =>
  stdio.stdin.pipe(
    Stream.catch(() => Stream.fromEffect(noPrompt("The prompt could not be read from stdin."))),
    Stream.mapEffect(limited()),
    Stream.decodeText,
    Stream.mkString
  )

/** How long stdin may be silent before the user is informed that it is read. */
const Patience = "1 second"

/** Appends piped input to the prompt, as in the release. */
const withStdin = (prompt: string, piped: string): string =>
  piped.trim() === "" ? prompt : `${prompt}\n\n<stdin>\n${piped}${piped.endsWith("\n") ? "" : "\n"}</stdin>`

/**
 * The argument, followed by piped input; or stdin alone when the argument is `-` or absent. On a terminal, stdin is read
 * only for `-`.
 */
export const prompt = Effect.fnUntraced(function* (argument: string | undefined) {
  const stdio = yield* Stdio.Stdio
  if (argument === undefined || argument === "-") {
    if (argument === undefined && (yield* stdio.stdinIsTerminal)) {
      return yield* noPrompt('No prompt: pass one as an argument, spindle exec "…", or on stdin.')
    }
    const text = yield* readStdin(stdio)
    return text.trim() === "" ? yield* noPrompt("No prompt: stdin is empty.") : text
  }
  if (argument.trim() === "") return yield* noPrompt("No prompt: the argument is empty.")
  if (yield* stdio.stdinIsTerminal) return argument
  const { err } = yield* TerminalConsole
  const notice = Effect.delay(err.write("Reading additional input from stdin...\n"), Patience)
  const piped = yield* Effect.scoped(Effect.andThen(Effect.forkScoped(notice), readStdin(stdio)))
  return withStdin(argument, piped)
})

const decodeSchema = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json))

/** Reads the JSON Schema from a file. */
export const outputSchema = Effect.fnUntraced(function* (file: string) {
  const refuse = (problem: string) => new UsageError({ message: `--output-schema ${file} ${problem}` })
  const options = { maxBytes: MaxSchemaBytes, namedBy: "server" } as const
  const text = yield* Effect.mapError(SmallFiles.text(yield* SmallFiles.SmallFiles, file, options), (error) =>
    refuse(`cannot be read: ${error.detail}`)
  )
  if (text === undefined) return yield* refuse("cannot be read: no such file")
  if (isTooDeep(text)) return yield* refuse(`is nested deeper than ${MaxDepth} levels`)
  return yield* Effect.mapError(decodeSchema(text), () => refuse("is not JSON"))
})
