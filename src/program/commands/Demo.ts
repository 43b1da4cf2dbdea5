/**
 * `spindle demo`: a demo turn with the offline model, whatever keys are configured. It uses a temporary folder and home,
 * which are removed afterwards.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import * as Offline from "../../layers/models/Offline.ts"
import { ModelProvider } from "../../services/model/ModelProvider.ts"
import * as Exec from "./Exec.ts"
import { TerminalConsole } from "../console/Console.ts"

const prompt = [
  "say: Hello from the embedded runtime! No key and no network are involved: the offline model executes this prompt line by line.",
  'run: echo "Node $(node --version) on $(uname -s)" && ls -1 && wc -w notes.txt'
].join("\n")

const notes = "Everything that a turn needs runs in this one process.\n"

/** The pause between streamed words, long enough to make streaming visible. */
const WordPause = "25 millis"

const paced = Layer.effect(
  ModelProvider,
  Effect.map(ModelProvider, (model) => ({
    ...model,
    stream: (request) =>
      Stream.tap(model.stream(request), (event) =>
        event._tag === "TextDelta" || event._tag === "SummaryDelta" ? Effect.sleep(WordPause) : Effect.void
      )
  }))
).pipe(Layer.provide(Offline.layer))

const introduction = (quote: (text: string) => string): string =>
  ["A turn of Spindle, in this process. The prompt:", "", ...prompt.split("\n").map((line) => quote(`  ${line}`))].join(
    "\n"
  )

/** Runs the demo and returns the exit code. */
export const run = Effect.gen(function* () {
  const { err, out } = yield* TerminalConsole
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-demo-" })
  const [home, cwd] = [path.join(folder, "home"), path.join(folder, "workspace")]
  yield* Effect.forEach([home, cwd], (made) => fileSystem.makeDirectory(made))
  yield* fileSystem.writeFileString(path.join(cwd, "notes.txt"), notes)
  yield* err.write(`${introduction((line) => err.paint("dim", line))}\n\n`)
  const nowhere = path.join(folder, "nowhere")
  return yield* Exec.run(
    {
      prompt,
      images: [],
      resume: null,
      model: null,
      // Without a sandbox there are no approvals; the commands are the ones above.
      sandbox: "danger-full-access",
      approval: null,
      local: null,
      ephemeral: false,
      lastMessageFile: null,
      cwd,
      addDirs: [],
      outputSchema: null,
      threadSource: null,
      cyberAccessProgram: null,
      json: false
    },
    {
      home,
      cwd,
      model: out.isTerminal ? paced : Offline.layer,
      loader: { systemConfigFile: nowhere, managedConfigFile: nowhere, requirementsFile: nowhere }
    }
  )
}).pipe(
  Effect.catch((error) =>
    Effect.gen(function* () {
      const { err } = yield* TerminalConsole
      yield* err.write(`error: the demo could not set up its folder: ${error.message}\n`)
      return Exec.ExitCode.failure
    })
  ),
  Effect.scoped
)
