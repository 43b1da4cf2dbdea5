/**
 * The command line: its commands, flags and exit codes.
 *
 * Loaded only when the command line is more than the plain service: the parser costs more than a start.
 *
 * @module
 */
import process from "node:process"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { offlineProvider, parseOverride } from "../../services/config/Config.ts"
import { Version } from "../../services/config/ServerIdentity.ts"
import { findHome, home } from "../../layers/MachineInfo.ts"
import * as ConfigInit from "./ConfigInit.ts"
import * as Demo from "./Demo.ts"
import * as Exec from "./Exec.ts"
import * as ExecFlags from "./ExecFlags.ts"
import * as McpServer from "./McpServer.ts"
import * as NodeSmallFiles from "../../layers/files/NodeSmallFiles.ts"
import * as Input from "./Input.ts"
import * as ListenFlags from "./ListenFlags.ts"
import type { Resume } from "./OpenThread.ts"
import * as Logging from "../Logging.ts"
import * as Screen from "../console/Console.ts"
import * as Signals from "../Signals.ts"
import * as Telemetry from "../Telemetry.ts"
import * as ThreadsCommand from "./ThreadsCommand.ts"
import * as Usage from "./Usage.ts"

/** A command failed with this exit code; its error has already been printed. */
class Ended extends Schema.TaggedError<Ended>()("Ended", { code: Schema.Int }) {}

const ending = (code: number): Effect.Effect<void, Ended> =>
  code === Exec.ExitCode.success ? Effect.void : Effect.fail(new Ended({ code }))

const overrides = (texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (text) =>
    Effect.mapError(
      Effect.fromResult(Result.mapError(parseOverride(text), (message) => message)),
      (message) => new Usage.UsageError({ message })
    )
  )

const configFlag = Flag.String("config").pipe(
  Flag.withAlias("c"),
  Flag.withMetavar("KEY=VALUE"),
  Flag.withDescription("Override a setting of config.toml; the value is TOML or else plain text. May be repeated"),
  Flag.atLeast(0)
)

const settingsFlags = {
  config: configFlag,
  offline: ExecFlags.switchFlag(
    "offline",
    'Ask the built-in offline model, which needs no key and no network; the same as -c model_provider="offline"'
  )
}

type SettingsInput = Command.Command.Config.Infer<typeof settingsFlags>

const providerKey = "model_provider"

/** The settings from the command line, in order. */
const settingsOf = Effect.fnUntraced(function* ({ config, offline }: SettingsInput) {
  const settings = yield* overrides(config)
  if (!offline) return settings
  const other = settings.findLast(([key, value]) => key === providerKey && value !== offlineProvider)
  if (other !== undefined) {
    return yield* new Usage.UsageError({ message: "--offline cannot be used with -c model_provider" })
  }
  return [...settings, [providerKey, offlineProvider] as const]
})

const serve = Effect.fnUntraced(function* (input: ListenFlags.ListenInput, settings: SettingsInput) {
  const cliOverrides = yield* settingsOf(settings)
  yield* ending(yield* ListenFlags.serve(input, { cliOverrides }))
})

const spindle = Command.make("spindle", ListenFlags.briefFlags).pipe(Command.withSharedFlags(settingsFlags))

const appServer = Command.make(
  "app-server",
  ListenFlags.flags,
  Effect.fnUntraced(function* (input) {
    yield* serve(input, yield* spindle)
  })
).pipe(
  Command.withDescription(
    "Serve the Codex app-server protocol: newline-delimited JSON over stdio, or WebSocket frames over sockets.\n" +
      "  Logs go to stderr. The server exits at the end of its input. On sockets it exits on a signal, after the\n" +
      "  running turns have completed; a second SIGINT or SIGTERM stops it immediately."
  ),
  Command.withShortDescription("Serve clients on stdin and stdout, or on sockets; the same as no command"),
  Command.withExamples([
    { command: "spindle app-server", description: "Serve the parent process on stdio" },
    { command: "spindle app-server --listen ws://127.0.0.1:4500", description: "Accept clients on this machine" },
    {
      command: "spindle app-server --listen unix://",
      description: "Accept clients of this user, over a private socket"
    },
    {
      command:
        "spindle app-server --listen ws://0.0.0.0:4500 --ws-auth capability-token --ws-token-file /etc/spindle/token",
      description: "Accept remote clients that have the token in the file"
    },
    { command: "spindle app-server -c model=gpt-5.5", description: "Override the model in config.toml" },
    { command: "spindle app-server --offline", description: "Use the offline model, which needs no key" }
  ])
)

/** Signals end a run differently than a service. */
const asRun = <R>(run: Effect.Effect<number, never, R>) =>
  Signals.secondQuits.pipe(
    Effect.andThen(run),
    Effect.onInterrupt(() => Signals.interruptedEnd),
    Effect.scoped
  )

const orRefuse = <A>(value: A | Usage.UsageError): Effect.Effect<A, Usage.UsageError> =>
  value instanceof Usage.UsageError ? Effect.fail(value) : Effect.succeed(value)

const wrong = (message: string) => Effect.fail(new Usage.UsageError({ message }))

const runExec = Effect.fnUntraced(function* (
  flags: ExecFlags.Flags,
  settings: SettingsInput,
  argument: string | undefined,
  resume: Resume | null
) {
  yield* orRefuse(ExecFlags.checkSupported(flags))
  const cliOverrides = [...(yield* settingsOf(settings)), ...(yield* orRefuse(ExecFlags.settingsOf(flags)))]
  const options = yield* orRefuse(ExecFlags.serverOptionsOf(flags))
  const permissions = yield* orRefuse(ExecFlags.permissionsOf(flags))
  const { origin, path } = findHome(process.env)
  yield* Input.checkProfile(path, options.profile)
  if (Option.contains(flags.model, "")) return yield* wrong("--model is empty")
  const schemaFile = Option.getOrNull(flags.outputSchema)
  const task: Exec.Task = {
    ...permissions,
    outputSchema: schemaFile === null ? null : yield* Input.outputSchema(schemaFile),
    prompt: yield* Input.prompt(argument),
    images: yield* Input.images(flags.image),
    resume,
    model: Option.getOrNull(flags.model),
    local: flags.oss ? Option.getOrElse(flags.localProvider, () => "default" as const) : null,
    cwd: Option.isNone(flags.cd) ? null : yield* Input.folder("--cd", flags.cd.value),
    addDirs: yield* Effect.forEach(flags.addDir, (folder) => Input.folder("--add-dir", folder)),
    ephemeral: flags.ephemeral,
    lastMessageFile: Option.getOrNull(flags.outputLastMessage),
    threadSource: Option.getOrNull(flags.threadSource),
    cyberAccessProgram: Option.getOrNull(flags.cyberAccessProgram),
    json: flags.json
  }
  const { err } = yield* Screen.TerminalConsole
  if (origin === "~/.codex") yield* err.write(`${err.paint("dim", `home: ${path}, because there is no ~/.spindle`)}\n`)
  const run = Effect.provide(Exec.run(task, { ...options, cliOverrides }), Telemetry.layer)
  yield* ending(yield* asRun(Effect.provide(run, Screen.layerWith(flags.color))))
})

const promptArgument = Argument.String("prompt").pipe(
  Argument.withDescription(
    "The task for the agent; with - or no prompt, it is read from stdin. Piped input is appended to it"
  ),
  Argument.optional
)

const execBase = Command.make("exec", { prompt: promptArgument }).pipe(Command.withSharedFlags(ExecFlags.flags))

const resume = Command.make(
  "resume",
  {
    thread: Argument.String("thread").pipe(
      Argument.withDescription("The id or the name of the thread; with --last, the prompt"),
      Argument.optional
    ),
    prompt: promptArgument,
    last: ExecFlags.switchFlag("last", "Continue the thread that changed last, of this folder"),
    all: ExecFlags.switchFlag("all", "Find threads of every folder, by name or with --last")
  },
  Effect.fnUntraced(function* ({ all, last, prompt, thread }) {
    const [first, second] = [Option.getOrNull(thread), Option.getOrUndefined(prompt)]
    if (last && second !== undefined) return yield* wrong("--last cannot be used with the id or the name of a thread")
    if (!last && first === null) return yield* wrong("No thread: pass its id or its name, or --last.")
    const flags = yield* execBase
    if (flags.ephemeral) return yield* wrong("--ephemeral cannot be used with resume: a stored thread stays stored")
    const target = last ? null : first
    yield* runExec(flags, yield* spindle, last ? (first ?? undefined) : second, { target, all })
  })
).pipe(
  Command.withShortDescription("Continue a stored thread"),
  Command.withDescription(
    "Continue a stored thread, also one of another program that shares the home folder, in its own folder and with\n" +
      "  its own settings, unless flags override them."
  ),
  Command.withExamples([
    {
      command: 'spindle exec resume 01a1fb80-d002-7f01-86cf-4b9a743431db "now translate it to French"',
      description: "exec prints the id first"
    },
    { command: 'spindle exec resume --last "go on"', description: "Continue the last thread of this folder" }
  ])
)

const reviewInstead = 'describe it in a prompt, for example spindle exec "review the uncommitted changes"'

const exec = execBase.pipe(
  Command.withHandler(
    Effect.fnUntraced(function* (flags) {
      const prompt = Option.getOrUndefined(flags.prompt)
      // A subcommand of the release, and no useful prompt.
      if (prompt === "review") return yield* wrong(`exec review is not supported: ${reviewInstead}`)
      yield* runExec(flags, yield* spindle, prompt, null)
    })
  ),
  Command.withSubcommands([resume]),
  Command.withDescription(
    "Run one turn in this process and print it.\n" +
      "  The agent's messages are printed to stdout; its actions and the token usage to stderr.\n" +
      "  Needs an API key for a model server, or --offline."
  ),
  Command.withShortDescription("Run one turn in this process and print it"),
  Command.withExamples([
    {
      command: 'spindle exec "explain what this project does"',
      description: "Run a task; asks for approval of commands that need it"
    },
    {
      command: '(echo "Write a commit message."; git diff --staged) | spindle exec > message.txt',
      description: "Read the prompt from stdin, write the answer to a file"
    },
    {
      command: 'spindle exec -s danger-full-access "run the tests and fix what fails"',
      description: "Run commands without approval"
    },
    { command: 'spindle exec --json "list the open questions"', description: "Print events as JSON" },
    {
      command: "spindle exec --offline 'run: uname -a'",
      description: "Without a key: the offline model executes a prompt of directives like this one"
    }
  ])
)

const demo = Command.make("demo", {}, () => Effect.flatMap(asRun(Demo.run), ending)).pipe(
  Command.withDescription(
    "Run a demo turn in this process: streamed text and a command.\n" +
      "  Needs no key and no network, and leaves no files behind."
  ),
  Command.withShortDescription("Run a demo turn, without a key or a network"),
  Command.withExamples([{ command: "spindle demo", description: "Takes a few seconds" }])
)

const doctor = Command.make(
  "doctor",
  { json: ExecFlags.switchFlag("json", "Print the checks as JSON") },
  Effect.fnUntraced(function* (input) {
    const cliOverrides = yield* settingsOf(yield* spindle)
    // Loaded here: it imports an HTTP client, which no other command needs at its start.
    const Doctor = yield* Effect.promise(() => import("./Doctor.ts"))
    yield* ending(yield* Doctor.run({ cliOverrides }, input))
  })
).pipe(
  Command.withDescription(
    "Check what a turn needs: Node, the home folder, the configuration, the model's key and server, the sandbox.\n" +
      "  Asks no model and prints no secrets. Exits with 1 when a check fails."
  ),
  Command.withShortDescription("Check the configuration, the key and the model server"),
  Command.withExamples([
    { command: "spindle doctor", description: "Check the configured provider" },
    { command: "spindle doctor -c model_provider=local", description: "Check another one" }
  ])
)

const configInit = Command.make("init", {}, () =>
  Effect.gen(function* () {
    const { out } = yield* Screen.TerminalConsole
    const file = yield* ConfigInit.run(home(process.env))
    yield* out.write(`${file}\n`)
  })
).pipe(
  Command.withDescription(
    "Write a config.toml with every line commented out to the home folder.\n  An existing file is kept."
  ),
  Command.withShortDescription("Write a commented config.toml"),
  Command.withExamples([{ command: "spindle config init", description: "Prints the path of the file" }])
)

const config = Command.make("config").pipe(
  Command.withDescription("Manage the configuration."),
  Command.withShortDescription("Manage the configuration"),
  Command.withSubcommands([configInit])
)

const threads = ThreadsCommand.make((program) =>
  Effect.gen(function* () {
    const cliOverrides = yield* settingsOf(yield* spindle)
    yield* ending(yield* asRun(program({ cliOverrides })))
  })
)

const mcpServer = Command.make(
  "mcp-server",
  {},
  Effect.fnUntraced(function* () {
    const cliOverrides = yield* settingsOf(yield* spindle)
    yield* ending(yield* asRun(McpServer.run({ cliOverrides })))
  })
).pipe(
  Command.withDescription(
    "Serve the agent to an MCP client on stdio.\n" +
      "  Its tools are codex (a new thread) and codex-reply (another turn). Approvals are elicitations."
  ),
  Command.withShortDescription("Serve the agent to an MCP client on stdio"),
  Command.withExamples([
    { command: "spindle mcp-server", description: "For the settings of an MCP client" },
    { command: "spindle -c model_provider=local mcp-server", description: "With another model provider" }
  ])
)

const command = spindle.pipe(
  Command.withHandler((input) => serve(input, input)),
  Command.withSubcommands([appServer, exec, threads, mcpServer, doctor, demo, config]),
  Command.withDescription("An app-server for coding agents: serves clients, or runs a single turn."),
  Command.withExamples([
    { command: "spindle demo", description: "Run a demo, without a key" },
    { command: 'spindle exec "explain what this project does"', description: "Run one turn" },
    { command: "spindle app-server", description: "Serve the parent process on stdio; the same as no command" },
    { command: "spindle app-server -c model_provider=local", description: "Override a setting in config.toml" }
  ])
)

const wrongUsage = Effect.fnUntraced(function* ({ message }: Usage.UsageError) {
  const { err } = yield* Screen.TerminalConsole
  yield* err.write(`${err.paint("red", "error:")} ${message}\n`)
  return Exec.ExitCode.usage
})

const platform = Layer.merge(Usage.layer, Logging.layerPlain).pipe(
  Layer.provideMerge(Layer.mergeAll(Screen.layer, NodeServices.layer, NodeSmallFiles.layer))
)

/** `-V` is the release's flag for the version. Without arguments this is reached on a terminal only (PlainService). */
const effective = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (args.length === 0) return ["--help"]
  return args[0] === "-V" || (args[0] === "exec" && args[1] === "-V") ? ["--version"] : args
}

/** Executes a command line and returns the exit code. */
export const run = (args: ReadonlyArray<string>): Effect.Effect<number> =>
  Command.runWith(command, { version: Version })(effective(args)).pipe(
    Effect.as(Exec.ExitCode.success),
    Effect.catchTags({
      Ended: ({ code }) => Effect.succeed(code),
      UsageError: wrongUsage,
      ShowHelp: ({ errors }) => Effect.succeed(errors.length === 0 ? Exec.ExitCode.success : Exec.ExitCode.usage)
    }),
    Effect.catch((error) => wrongUsage(new Usage.UsageError({ message: error.message }))),
    Effect.provide(platform)
  )
