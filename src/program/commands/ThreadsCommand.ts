/**
 * The flags of `spindle threads`. What the commands do is loaded when one of them runs.
 *
 * @module
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { Terminal } from "effect/Terminal"
import type { AppServerOptions } from "../../layers/AppServerOptions.ts"
import type { SmallFiles } from "../../services/config/SmallFiles.ts"
import type { TerminalConsole } from "../console/Console.ts"
import { switchFlag } from "./ExecFlags.ts"
import * as Usage from "./Usage.ts"

/** Number of threads that are shown by default. */
const DefaultLimit = 25

const selection = {
  cwd: Flag.String("cwd").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("Only threads of this folder"),
    Flag.optional
  ),
  archived: switchFlag("archived", "Only archived threads"),
  all: switchFlag("all", "Archived threads too, and those of sub-agents"),
  limit: Flag.Int("limit").pipe(
    Flag.withAlias("n"),
    Flag.withMetavar("N"),
    Flag.withDescription(`Number of threads, default ${DefaultLimit}; 0 is no limit`),
    Flag.withDefault(DefaultLimit)
  ),
  json: switchFlag("json", "Print a JSON array of threads")
}

type SelectionInput = Command.Command.Config.Infer<typeof selection>

const wrong = (message: string) => Effect.fail(new Usage.UsageError({ message }))

const selected = Effect.fnUntraced(function* ({ cwd, limit, ...rest }: SelectionInput) {
  if (limit < 0) return yield* wrong("--limit is negative")
  if (rest.all && rest.archived) return yield* wrong("--all cannot be used with --archived")
  if (Option.contains(cwd, "")) return yield* wrong("--cwd is empty")
  return { ...rest, limit, cwd: Option.getOrNull(cwd) }
})

const threadArgument = Argument.String("thread").pipe(
  Argument.withDescription("The id of the thread, the beginning of it, or the name of the thread")
)

type Platform = FileSystem.FileSystem | Path.Path | SmallFiles | Terminal | TerminalConsole

/** A command that the store is loaded for. The result is the exit code. */
export type Program = (
  options: Pick<AppServerOptions, "cliOverrides" | "home" | "loader">
) => Effect.Effect<number, never, Platform>

const threadsHome = Effect.promise(() => import("./threads/Home.ts"))

const makeList = <E, R>(run: (program: Program) => Effect.Effect<void, E, R>) =>
  Command.make(
    "list",
    {
      ...selection,
      search: Flag.String("search").pipe(
        Flag.withMetavar("TEXT"),
        Flag.withDescription("Only threads with this text in their name or first message; upper and lower case differ"),
        Flag.optional
      )
    },
    Effect.fnUntraced(function* ({ search, ...input }) {
      const shown = yield* selected(input)
      const { list } = yield* Effect.promise(() => import("./threads/List.ts"))
      const home = yield* threadsHome
      yield* run((options) => home.run(options, list(shown, Option.getOrNull(search))))
    })
  ).pipe(
    Command.withShortDescription("List the stored threads"),
    Command.withDescription(
      "List the stored threads, the one that changed last first.\n" +
        "  On a terminal a table, else a line for each thread with tabs between id, time of the last change (UTC), number of\n" +
        "  turns, `archived` or nothing, folder, and name or first message."
    ),
    Command.withExamples([
      { command: "spindle threads list --cwd .", description: "Threads of this folder" },
      { command: "spindle threads list --json --limit 0 | jq -r '.[].id'", description: "The ids of all threads" }
    ])
  )

const makeSearch = <E, R>(run: (program: Program) => Effect.Effect<void, E, R>) =>
  Command.make(
    "search",
    {
      text: Argument.String("text").pipe(Argument.withDescription("The text to search for, in upper or lower case")),
      ...selection
    },
    Effect.fnUntraced(function* ({ text, ...input }) {
      const shown = yield* selected(input)
      if (text.trim() === "") return yield* wrong("The text to search for is empty.")
      const { search } = yield* Effect.promise(() => import("./threads/List.ts"))
      const home = yield* threadsHome
      yield* run((options) => home.run(options, search(shown, text)))
    })
  ).pipe(
    Command.withShortDescription("Find threads by their text"),
    Command.withDescription(
      "Find threads in whose messages, answers or commands a text occurs, and print the text around it.\n" +
        "  Without a terminal: a line for each thread with tabs between id, time (UTC), name or first message, and text."
    ),
    Command.withExamples([{ command: 'spindle threads search "connection refused"', description: "Any folder" }])
  )

const makeShow = <E, R>(run: (program: Program) => Effect.Effect<void, E, R>) =>
  Command.make(
    "show",
    {
      thread: threadArgument,
      turns: Flag.Int("turns").pipe(Flag.withMetavar("N"), Flag.withDescription("Only the last N turns"), Flag.optional)
    },
    Effect.fnUntraced(function* ({ thread, turns }) {
      const last = Option.getOrNull(turns)
      if (last !== null && last < 1) return yield* wrong("--turns is less than 1")
      const { show } = yield* Effect.promise(() => import("./threads/Show.ts"))
      const home = yield* threadsHome
      yield* run((options) => home.run(options, show(thread, last)))
    })
  ).pipe(
    Command.withShortDescription("Print the conversation of a thread"),
    Command.withDescription("Print the conversation of a thread. Long outputs of commands are shortened."),
    Command.withExamples([
      { command: "spindle threads show 01a1fb80-d002 --turns 3", description: "The beginning of an id is enough" },
      { command: 'spindle threads show "release notes" | less', description: "By name" }
    ])
  )

const makeExport = <E, R>(run: (program: Program) => Effect.Effect<void, E, R>) =>
  Command.make(
    "export",
    {
      thread: threadArgument,
      format: Flag.Literals("format", ["markdown", "json"]).pipe(
        Flag.withAlias("f"),
        Flag.withMetavar("FORMAT"),
        Flag.withDescription("markdown for people, or json: the thread with all turns in the form of the protocol"),
        Flag.withDefault("markdown" as const)
      ),
      output: Flag.String("output").pipe(
        Flag.withAlias("o"),
        Flag.withMetavar("FILE"),
        Flag.withDescription("Write to this file, which is replaced when the export is complete; else to stdout"),
        Flag.optional
      )
    },
    Effect.fnUntraced(function* ({ format, output, thread }) {
      if (Option.contains(output, "")) return yield* wrong("--output is empty")
      const Export = yield* Effect.promise(() => import("./threads/Export.ts"))
      const home = yield* threadsHome
      yield* run((options) => home.run(options, Export.run(thread, format, Option.getOrNull(output))))
    })
  ).pipe(
    Command.withShortDescription("Write a thread as Markdown or JSON"),
    Command.withDescription(
      "Write a thread as a document. Markdown has the messages, the commands with a part of their output, and the changed\n" +
        "  files; JSON has everything that clients see."
    ),
    Command.withExamples([
      { command: "spindle threads export 01a1fb80-d002 -o thread.md", description: "As Markdown" },
      { command: "spindle threads export 01a1fb80-d002 --format json | jq .turns", description: "As JSON" }
    ])
  )

const makeDelete = <E, R>(run: (program: Program) => Effect.Effect<void, E, R>) =>
  Command.make(
    "delete",
    {
      threads: threadArgument.pipe(Argument.variadic({ min: 1 })),
      yes: switchFlag("yes", "Do not ask; needed without a terminal").pipe(Flag.withAlias("y"))
    },
    Effect.fnUntraced(function* ({ threads, yes }) {
      const Delete = yield* Effect.promise(() => import("./threads/Delete.ts"))
      const home = yield* threadsHome
      yield* run((options) => home.run(options, Delete.run(threads, yes)))
    })
  ).pipe(
    Command.withShortDescription("Delete threads for good"),
    Command.withDescription(
      "Delete threads for good, after a question. A thread that a program has open, or that a fork refers to, is kept."
    ),
    Command.withExamples([{ command: "spindle threads delete 01a1fb80-d002 --yes", description: "Without a question" }])
  )

const makeGc = <E, R>(run: (program: Program) => Effect.Effect<void, E, R>) =>
  Command.make(
    "gc",
    { dryRun: switchFlag("dry-run", "Print what would be removed, and remove nothing") },
    Effect.fnUntraced(function* ({ dryRun }) {
      const Gc = yield* Effect.promise(() => import("./threads/Gc.ts"))
      const home = yield* threadsHome
      yield* run((options) => home.run(options, Gc.run(dryRun)))
    })
  ).pipe(
    Command.withShortDescription("Remove threads that exceed the limits of config.toml"),
    Command.withDescription(
      "Remove the threads that exceed the limits retention_days, retention_threads and retention_size_mb in the table\n" +
        "  [spindle] of config.toml, without a question. Of number and size, archived threads go first, then those that\n" +
        "  changed first. A thread that a program has open, or that a fork refers to, is kept.\n" +
        "  Without a terminal: a line for each thread with tabs between `removed` or `excess`, id, limit, time of the last\n" +
        "  change (UTC), size in bytes, and name or first message."
    ),
    Command.withExamples([
      { command: "spindle threads gc --dry-run", description: "What the limits would remove" },
      { command: "spindle threads gc -c spindle.retention_days=90", description: "With another limit" }
    ])
  )

/** The command with its subcommands. `run` gives a program the settings of the command line and ends with its exit code. */
export const make = <E, R>(run: (program: Program) => Effect.Effect<void, E, R>) =>
  Command.make("threads").pipe(
    Command.withDescription(
      "Manage the stored threads of the home folder, also those of other programs that share it.\n" +
        "  A thread is named by its id, by the beginning of its id, or by its name."
    ),
    Command.withShortDescription("List, show, search, export and delete stored threads"),
    Command.withSubcommands([
      makeList(run),
      makeShow(run),
      makeSearch(run),
      makeExport(run),
      makeDelete(run),
      makeGc(run)
    ])
  )
