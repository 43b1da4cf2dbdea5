/**
 * Runs this repository's sources as child processes, on the Node that runs the tests, with a separate home.
 *
 * @module
 */
import { fileURLToPath } from "node:url"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as ChildProcess from "effect/process/ChildProcess"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"

/** The result of a program that exited. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const root = fileURLToPath(new URL("../../", import.meta.url))

/** Runs a file of the repository with input that ends, an empty home, and no keys. */
export const run = (
  file: string,
  args: ReadonlyArray<string>,
  options?: { readonly input?: string; readonly environment?: Readonly<Record<string, string>> }
): Effect.Effect<Ran> =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem.FileSystem
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const home = yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-test-" })
    const child = yield* spawner.spawn(
      ChildProcess.make(process.execPath, ["--conditions=spindle-source", `${root}${file}`, ...args], {
        cwd: root,
        env: { PATH: process.env["PATH"] ?? "", HOME: home, SPINDLE_HOME: home, ...options?.environment },
        extendEnv: false,
        stdin: Stream.encodeText(Stream.make(options?.input ?? ""))
      })
    )
    const text = (stream: typeof child.stdout) => Stream.mkString(Stream.decodeText(stream))
    const [stdout, stderr, code] = yield* Effect.all([text(child.stdout), text(child.stderr), child.exitCode], {
      concurrency: "unbounded"
    })
    return { code, stdout, stderr }
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer), Effect.orDie)

/** Runs the command-line program. */
export const spindle = (args: ReadonlyArray<string>, options?: Parameters<typeof run>[2]): Effect.Effect<Ran> =>
  run("src/main.ts", args, options)
