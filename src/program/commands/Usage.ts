/**
 * Usage output: help on stdout, and short errors about the command line on stderr.
 *
 * @module
 */
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import type { HelpDoc } from "effect/cli/HelpDoc"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { plain } from "../console/ShownText.ts"
import { TerminalConsole } from "../console/Console.ts"

/** An invalid command line that the parser cannot detect. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", {
  message: Schema.String
}) {}

const exitCodes = `
EXIT CODES
  0      all went well
  1      the turn or the command failed, the server could not go on, or its output could not be written
  2      the command line is wrong
  130    interrupted`

const environment = `
ENVIRONMENT
  SPINDLE_HOME       folder of config.toml and auth.json; else CODEX_HOME, else ~/.spindle,
                     or ~/.codex if only that exists
  OPENAI_API_KEY     key of the model server; CODEX_API_KEY goes before it
  LOG_FORMAT=json    logs of the server as JSON, a line each (on stderr)
  NO_COLOR           no colours`

const { formatHelpDoc, formatVersion } = CliOutput.defaultFormatter({ inheritedFlags: "full", globalFlags: "none" })

/** Every command here also works without a subcommand, which the parser's usage line does not show. */
const helpOf = (doc: HelpDoc): string =>
  formatHelpDoc({ ...doc, usage: doc.usage.replace("<subcommand>", "[<subcommand>]") })
    .trimEnd()
    .replace(/([^\n]\n)(?=\S*EXAMPLES)/, "$1\n")

const presenter = Effect.gen(function* () {
  const { err, flush, out } = yield* TerminalConsole
  const present: CliOutput.Presenter["present"] = (event) => {
    switch (event._tag) {
      case "Help": {
        const rest = event.commandPath.length === 1 ? `${environment}\n${exitCodes}` : exitCodes
        return out.write(`${helpOf(event.helpDoc)}\n${rest}\n`)
      }
      case "InvalidInvocation": {
        const errors = event.errors.map(({ message }) => `${err.paint("red", "error:")} ${plain(message)}\n`)
        const hint = err.paint("dim", `Try '${event.commandPath.join(" ")} --help'.`)
        return err.write(`${errors.join("")}${hint}\n`)
      }
      case "Version":
        return out.write(`${formatVersion(event.name, event.version)}\n`)
    }
  }
  return { present: (event: CliOutput.Presenter.Event) => Effect.andThen(present(event), flush) }
})

/** The parser's output, and the flags of every command. */
export const layer: Layer.Layer<never, never, TerminalConsole> = Layer.merge(
  Layer.effect(CliOutput.Presenter, presenter),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
)
