/**
 * The environment of the measurements: the folders, the model server, and how both servers are started.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { existsSync, rmSync } from "node:fs"
import { mkdir, mkdtemp, writeFile } from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { isMissing, type Missing } from "./figure.ts"
import * as Peers from "./peers.ts"
import type { Launch } from "./server.ts"

/**
 * What the model answers: a number of deltas, a response without end, a number of instant commands, a patch, or a command that
 * prints the file `output.txt` of the working directory.
 */
export type Deltas = number | "endless" | "output" | "patch" | `calls-${number}`

export interface World {
  /** Fewer rounds, for a first impression. */
  readonly quick: boolean
  /** Where peers are kept between runs. */
  readonly cache: string
  /** The working directory of threads. */
  readonly work: string
  readonly modelPort: number
  readonly codex: Peers.Codex | Missing
  readonly progress: (text: string) => void
  /** Creates a home folder that is configured for a model with this number of deltas. */
  readonly home: (deltas?: Deltas) => Promise<string>
  /** Creates a folder for temporary files, where Node also caches compiled code. */
  readonly temporary: () => Promise<string>
  readonly close: () => void
}

/** The repository. */
export const root: string = fileURLToPath(new URL("..", import.meta.url))

/** The built program of this server. */
const main = Path.join(root, "dist", "main.js")

const startModel = async () => {
  const child = fork(new URL("children/model.ts", import.meta.url), { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const [message] = (await once(child, "message")) as [{ readonly port: number }]
  return { port: message.port, stop: () => child.disconnect() }
}

const configuration = (work: string, port: number, deltas: Deltas): string => `model = "gpt-5.5"
model_provider = "mock"
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.mock]
name = "mock"
base_url = "http://127.0.0.1:${port}/deltas/${deltas}/v1"
wire_api = "responses"
env_key = "MOCK_KEY"
request_max_retries = 0
stream_max_retries = 0

[projects."${work}"]
trust_level = "trusted"
`

export const open = async (options: {
  readonly quick: boolean
  readonly progress: (text: string) => void
}): Promise<World> => {
  if (!existsSync(main)) throw new Error("dist/main.js does not exist; run `npm run build`")
  const cache = Path.resolve(process.env["SPINDLE_BENCH_DIR"] ?? Path.join(Os.homedir(), ".cache", "spindle-bench"))
  await mkdir(cache, { recursive: true })
  // Outside the temporary folder: the released server treats a home there differently.
  const run = await mkdtemp(Path.join(cache, "run-"))
  const cleanUp = () => rmSync(run, { recursive: true, force: true, maxRetries: 3 })
  process.once("exit", cleanUp)
  const work = Path.join(run, "work")
  await mkdir(work)
  options.progress("looking for the peers")
  const codex = await Peers.codex(cache)
  const model = await startModel()
  return {
    ...options,
    cache,
    work,
    modelPort: model.port,
    codex,
    home: async (deltas = 1) => {
      const home = await mkdtemp(Path.join(run, "home-"))
      await writeFile(Path.join(home, "config.toml"), configuration(work, model.port, deltas))
      return home
    },
    temporary: () => mkdtemp(Path.join(run, "tmp-")),
    close: () => {
      model.stop()
      cleanUp()
    }
  }
}

/** Only the variables that a program needs to run, without network access. */
const environment = (home: string, temporary: string): Readonly<Record<string, string>> => {
  const nowhere = "http://127.0.0.1:9"
  const here = "127.0.0.1,localhost"
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    TMPDIR: temporary,
    CODEX_HOME: home,
    SPINDLE_HOME: home,
    MOCK_KEY: "x",
    RUST_LOG: "error",
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    http_proxy: nowhere,
    https_proxy: nowhere,
    NO_PROXY: here,
    no_proxy: here
  }
}

/** The folders of one server. */
export interface Folders {
  readonly home: string
  readonly temporary: string
}

const launch = (world: World, folders: Folders, command: string, args: ReadonlyArray<string>): Launch => ({
  command,
  args,
  env: environment(folders.home, folders.temporary),
  cwd: world.work
})

/** A script of this server or a peer, on the Node that runs the bench. */
export const node = (world: World, folders: Folders, ...args: ReadonlyArray<string>): Launch =>
  launch(world, folders, process.execPath, args)

/** The built program of this server. */
export const spindle = (world: World, folders: Folders, ...flags: ReadonlyArray<string>): Launch =>
  node(world, folders, main, "app-server", ...flags)

/** The released server: its binary. */
export const codex = (world: World, folders: Folders, ...flags: ReadonlyArray<string>): Launch | Missing =>
  isMissing(world.codex) ? world.codex : launch(world, folders, world.codex.binary, ["app-server", ...flags])

/** The released server, started by its npm command. */
export const codexCommand = (world: World, folders: Folders): Launch | Missing =>
  isMissing(world.codex) ? world.codex : node(world, folders, world.codex.launcher, "app-server")

export const folders = async (world: World, deltas?: Deltas): Promise<Folders> => ({
  home: await world.home(deltas),
  temporary: await world.temporary()
})
