/**
 * The input of a run besides flags: the prompt, from an argument or from stdin, and files.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { MaxDepth } from "../../protocol/jsonrpc/Depth.ts"
import { isTooDeep } from "../../protocol/jsonrpc/JsonText.ts"
import * as SmallFiles from "../../services/config/SmallFiles.ts"
import { TerminalConsole } from "../console/Console.ts"
import { plain } from "../console/ShownText.ts"
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

/** The number of bytes before the first one that is not UTF-8. */
const validBytes = (bytes: Uint8Array): number => {
  const isValid = (length: number): boolean => {
    try {
      // With `stream`, a character that is cut at the end is no error.
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), { stream: true })
      return true
    } catch {
      return false
    }
  }
  let [valid, invalid] = [0, bytes.length]
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2)
    if (isValid(middle)) valid = middle
    else invalid = middle
  }
  return valid
}

/** The text of stdin: UTF-8, or UTF-16 with a byte order mark, as in the release. */
const decoded = (bytes: Uint8Array): Effect.Effect<string, UsageError> => {
  const [first, second] = bytes
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8"
  return Effect.try({
    try: () => new TextDecoder(encoding, { fatal: true }).decode(bytes),
    catch: () =>
      new UsageError({
        message:
          encoding === "utf-8"
            ? `stdin is not valid UTF-8 (invalid byte at offset ${validBytes(bytes)}). Convert it, for example with \`iconv -f ENCODING -t UTF-8\`.`
            : `stdin is not valid ${encoding.toUpperCase()}, which its byte order mark announces. Convert it to UTF-8.`
      })
  })
}

/** How long stdin may be read before the user is informed of it. */
const Patience = "1 second"

/** Reads stdin to its end. `what` is announced when that takes long: the end may never come. */
const readStdin = Effect.fnUntraced(function* (stdio: Stdio.Stdio, what: string) {
  const { err } = yield* TerminalConsole
  const notice = `Reading ${what} from stdin until it ends... (Ctrl-D ends it on a terminal; < /dev/null leaves it empty)\n`
  const chunks = stdio.stdin.pipe(
    Stream.catch(() => Stream.fromEffect(noPrompt("The prompt could not be read from stdin."))),
    Stream.mapEffect(limited()),
    Stream.runCollect
  )
  return yield* Effect.forkScoped(Effect.delay(err.write(notice), Patience)).pipe(
    Effect.andThen(chunks),
    Effect.flatMap((read) => decoded(Buffer.concat(read))),
    Effect.scoped
  )
})

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
    const text = yield* readStdin(stdio, "the prompt")
    return text.trim() === "" ? yield* noPrompt("No prompt: stdin is empty.") : text
  }
  if (argument.trim() === "") return yield* noPrompt("No prompt: the argument is empty.")
  if (yield* stdio.stdinIsTerminal) return argument
  return withStdin(argument, yield* readStdin(stdio, "additional input"))
})

const decodeSchema = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json))

/**
 * The images of the flag. As in the release, one value may list several files with commas; a file whose own name has a comma
 * goes first.
 */
export const images = Effect.fnUntraced(function* (values: ReadonlyArray<string>) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const isThere = (file: string) => Effect.orElseSucceed(fileSystem.exists(file), () => false)
  const files: Array<string> = []
  for (const value of values) {
    for (const file of (yield* isThere(value)) ? [value] : value.split(",")) {
      if (!(yield* isThere(file))) return yield* noPrompt(`--image ${plain(file)} does not exist`)
      files.push(path.resolve(file))
    }
  }
  return files
})

/** Fails when the profile that a flag names has no file: the run would have other permissions than the user expects. */
export const checkProfile = Effect.fnUntraced(function* (home: string, profile: string | undefined) {
  if (profile === undefined) return
  const path = yield* Path.Path
  const fileSystem = yield* FileSystem.FileSystem
  const file = path.join(home, `${profile}.config.toml`)
  if (yield* Effect.orElseSucceed(fileSystem.exists(file), () => false)) return
  return yield* new UsageError({ message: `There is no profile \`${profile}\`: ${file} does not exist.` })
})

/** Reads the JSON Schema from a file. */
export const outputSchema = Effect.fnUntraced(function* (file: string) {
  const refuse = (problem: string) => new UsageError({ message: `--output-schema ${file} ${problem}` })
  const options = { maxBytes: MaxSchemaBytes, namedBy: "server" } as const
  const text = yield* Effect.mapError(SmallFiles.text(yield* SmallFiles.SmallFiles, file, options), (error) =>
    refuse(`cannot be read: ${error.detail}`)
  )
  if (text === undefined) return yield* refuse("cannot be read: no such file")
  if (isTooDeep(text)) return yield* refuse(`is nested deeper than ${MaxDepth} levels`)
  const schema = yield* Effect.mapError(decodeSchema(text), () => refuse("is not JSON"))
  const isObject = typeof schema === "object" && schema !== null && !Array.isArray(schema)
  return isObject ? schema : yield* refuse("is not a JSON Schema: it is not an object")
})
