/**
 * `spindle demo`: a demo turn with the offline model, whatever keys are configured. It corrects a file and runs its test, in the
 * sandbox if there is one. It uses a temporary folder and home, which are removed afterwards.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import process from "node:process"
import * as Offline from "../../layers/models/Offline.ts"
import * as PlatformSandbox from "../../layers/sandboxes/Platform.ts"
import { ModelProvider } from "../../services/model/ModelProvider.ts"
import { Sandbox } from "../../services/sandbox/Sandbox.ts"
import * as Exec from "./Exec.ts"
import { TerminalConsole } from "../console/Console.ts"

/** A file with a mistake, and its test. */
const files = {
  "greet.js": "export const greet = (name) => `hello, ${nane}`\n",
  "greet.test.js": [
    'import assert from "node:assert/strict"',
    'import { test } from "node:test"',
    'import { greet } from "./greet.js"',
    "",
    'test("greets", () => assert.equal(greet("you"), "hello, you"))',
    ""
  ].join("\n"),
  "package.json": '{ "type": "module" }\n'
}

const patch = [
  "*** Begin Patch",
  "*** Update File: greet.js",
  "@@",
  "-export const greet = (name) => `hello, ${nane}`",
  "+export const greet = (name) => `hello, ${name}`",
  "*** End Patch"
].join("\n")

const prompt = [
  "say: Hello from the embedded runtime! No key and no network are involved: the offline model executes this prompt line by line.",
  `apply_patch: ${JSON.stringify(patch)}`,
  "then",
  "run: node --test greet.test.js"
].join("\n")

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

/** Without a sandbox nobody could approve the command; it is the one above. */
const policy = Effect.gen(function* () {
  const { report } = yield* Sandbox
  const { used } = yield* report
  return used === "none" ? ("danger-full-access" as const) : ("workspace-write" as const)
}).pipe(Effect.provide(PlatformSandbox.layer({ environment: process.env })))

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
  yield* Effect.forEach(Object.entries(files), ([name, text]) => fileSystem.writeFileString(path.join(cwd, name), text))
  yield* err.write(`${introduction((line) => err.paint("dim", line))}\n\n`)
  const nowhere = path.join(folder, "nowhere")
  return yield* Exec.run(
    {
      prompt,
      images: [],
      resume: null,
      model: null,
      sandbox: yield* policy,
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
