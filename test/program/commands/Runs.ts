/**
 * Runs of `spindle exec` in this process: a server without any other configuration, and a user at the terminal or none.
 *
 * @module
 */
import { it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import type { AppServerOptions } from "../../../src/layers/AppServer.ts"
import * as NoSandbox from "../../../src/layers/sandboxes/None.ts"
import * as Offline from "../../../src/layers/models/Offline.ts"
import * as Exec from "../../../src/program/commands/Exec.ts"
import * as Screen from "../../../src/program/console/Console.ts"
import { type Shown, typing } from "./Typing.ts"

export const task: Exec.Task = {
  prompt: "say: hello",
  images: [],
  resume: null,
  model: null,
  sandbox: null,
  approval: null,
  local: null,
  ephemeral: false,
  lastMessageFile: null,
  cwd: null,
  addDirs: [],
  outputSchema: null,
  threadSource: null,
  cyberAccessProgram: null,
  json: false
}

/** A temporary folder for a run, and a server without any other configuration. */
export const server = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  const folder = yield* Effect.flatMap(fileSystem.makeTempDirectoryScoped({ prefix: "spindle-exec-" }), (made) =>
    fileSystem.realPath(made)
  )
  const nowhere = `${folder}/nowhere`
  const options: AppServerOptions = {
    home: folder,
    cwd: folder,
    environment: { HOME: folder, PATH: process.env["PATH"] },
    loader: { systemConfigFile: nowhere, managedConfigFile: nowhere, requirementsFile: nowhere }
  }
  // Without a sandbox commands need approval, on every machine.
  return { folder, modelless: options, options: { ...options, model: Offline.layer, sandbox: NoSandbox.layer } }
}).pipe(Effect.orDie)

export const shown = (written: ReadonlyArray<Screen.Written>) => {
  const text = (stream: "err" | "out") =>
    written
      .filter((piece) => piece.stream === stream)
      .map((piece) => piece.text)
      .join("")
  return {
    out: text("out"),
    // Times and ids differ in every run.
    err: text("err")
      .replaceAll(/\d+(?:\.\d+)? m?s\b/g, "TIME")
      .replaceAll(/thread [\w-]{36}/g, "thread ID")
      .replaceAll(/tokens: [\d,]+ in, [\d,]+ out/g, "TOKENS")
  }
}

/** Runs a task like the command line does; with `typed`, a user is at the terminal. */
export const exec = (
  change: Partial<Exec.Task>,
  options: AppServerOptions,
  typed?: ReadonlyArray<string>
): Effect.Effect<Shown> => {
  const written: Array<Screen.Written> = []
  return Exec.run({ ...task, ...change }, options).pipe(
    Effect.provide(Screen.layerTest({ written, canAsk: typed !== undefined })),
    Effect.provide(typing(typed ?? [])),
    Effect.provide(NodeServices.layer),
    Effect.map((code) => ({ code, ...shown(written) }))
  )
}

export const header = (folder: string, sandbox = "read-only", model = "offline (offline)") =>
  `${model} · ${sandbox} · approvals: on-request · ${folder} · thread ID\n`

export const test = (name: string, run: Effect.Effect<void, unknown, FileSystem.FileSystem | Scope.Scope>) =>
  it.live(name, () => run.pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 30_000)
