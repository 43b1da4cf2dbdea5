/**
 * The subjects of the client contract: a running server and a way to connect to it.
 *
 * @module
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import * as Server from "../../src/layers/Server.ts"
import * as InProcessClient from "../../src/layers/clients/InProcessClient.ts"
import * as StdioClient from "../../src/layers/clients/StdioClient.ts"
import * as UnixSocketClient from "../../src/layers/clients/UnixSocketClient.ts"
import * as WebSocketClient from "../../src/layers/clients/WebSocketClient.ts"
import * as NodeSmallFiles from "../../src/layers/files/NodeSmallFiles.ts"
import * as UnixSocket from "../../src/layers/transports/UnixSocket.ts"
import * as WebSocket from "../../src/layers/transports/WebSocket.ts"
import type { AppServerClient } from "../../src/services/client/AppServerClient.ts"
import { dismiss } from "../support/Listening.ts"
import { ModelServer } from "../support/ModelServer.ts"
import * as Proxy from "../support/Proxy.ts"
import { configuration } from "../support/Services.ts"

export type Client = AppServerClient["Service"]

export class Subject extends Context.Service<
  Subject,
  {
    /** The server's home folder. */
    readonly home: string
    /** The working directory of threads. */
    readonly work: string
    /** Connects a client, each time to the same server if it accepts several. */
    readonly connect: (name: string) => Effect.Effect<Client, unknown, Scope.Scope>
    /** Connects a client that reconnects when its connection is cut. Absent when that is not possible. */
    readonly comingBack?: (
      name: string
    ) => Effect.Effect<{ readonly client: Client; readonly proxy: Proxy.Proxy }, unknown, Scope.Scope>
    /** Ends the server while clients are connected. Absent when there is no connection to lose. */
    readonly end?: Effect.Effect<void>
  }
>()("spindle-test/Subject") {}

interface Folders {
  readonly home: string
  readonly work: string
}

/** A home that is configured for the test's model, and a working directory. */
const folders = (below: string) =>
  Effect.gen(function* () {
    const { url } = yield* ModelServer
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => {
        mkdirSync(below, { recursive: true })
        return mkdtempSync(join(below, "spindle-"))
      }),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
    )
    const home = join(folder, "home")
    const work = join(folder, "work")
    mkdirSync(home)
    mkdirSync(work)
    writeFileSync(join(home, "config.toml"), `${configuration(url)}\n[projects."${work}"]\ntrust_level = "trusted"\n`)
    return { home, work }
  })

/** The environment that a program needs, without network access. */
const environment = ({ home }: Folders): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: home,
  CODEX_HOME: home,
  SPINDLE_HOME: home,
  MOCK_KEY: "x",
  RUST_LOG: "error",
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1,localhost"
})

const who = (name: string) => ({ clientName: name, clientVersion: "1" })

/** This server, in the process of the test. */
const server = ({ home, work }: Folders) =>
  Layer.build(
    Server.layer({ home, cwd: work, environment: environment({ home, work }) }).pipe(
      Layer.provideMerge(NodeServices.layer)
    )
  )

/** Connected without a transport. */
export const inProcess = Layer.effect(
  Subject,
  Effect.gen(function* () {
    const at = yield* folders(tmpdir())
    const services = yield* server(at)
    return {
      ...at,
      connect: (name) => Effect.provideContext(InProcessClient.make(who(name)), services)
    }
  })
)

/** Short pauses, so that tests do not wait for the next attempt. */
const soon = { initialDelay: "1 millis", maxDelay: "20 millis" } as const

/** Connects through a proxy. */
const comingBack = (url: string) =>
  Effect.fnUntraced(function* (name: string) {
    const proxy = yield* Proxy.make({ port: Number(new URL(url).port) })
    const port = "port" in proxy.place ? proxy.place.port : 0
    const client = yield* WebSocketClient.make({ ...who(name), url: `ws://127.0.0.1:${port}`, reconnect: soon })
    return { client, proxy }
  })

/** Connected over a local port. */
export const webSocket = Layer.effect(
  Subject,
  Effect.gen(function* () {
    const at = yield* folders(tmpdir())
    const services = yield* server(at)
    const listener = yield* Effect.provideContext(
      WebSocket.serve({
        listen: { _tag: "WebSocket", host: "127.0.0.1", port: 0 },
        admission: { allowedOrigins: new Set(), authorize: undefined }
      }),
      services
    )
    const url = `ws://127.0.0.1:${listener.bound.port}`
    return {
      ...at,
      connect: (name) => WebSocketClient.make({ ...who(name), url }),
      comingBack: comingBack(url),
      end: dismiss(listener, "restarting")
    }
  })
)

/** Connected over a socket file. */
export const unixSocket = Layer.effect(
  Subject,
  Effect.gen(function* () {
    const at = yield* folders(tmpdir())
    const services = yield* server(at)
    const listener = yield* Effect.provideContext(
      Effect.provide(UnixSocket.serve({ path: join(at.home, "s"), home: at.home }), NodeSmallFiles.layer),
      services
    )
    const { path } = listener
    return {
      ...at,
      connect: (name) => UnixSocketClient.make({ ...who(name), path }),
      comingBack: Effect.fnUntraced(function* (name) {
        const place = { path: join(at.home, "p") }
        const proxy = yield* Proxy.make({ path }, place)
        const client = yield* UnixSocketClient.make({ ...who(name), ...place, reconnect: soon })
        return { client, proxy }
      }),
      end: dismiss(listener, "restarting")
    }
  })
)

type Command = readonly [program: string, ...args: ReadonlyArray<string>]

/** Writes its process id to the file, then executes the command. */
const known = (file: string, command: Command): Command => [
  "/bin/sh",
  "-c",
  `echo $$ > '${file}'; exec "$@"`,
  "sh",
  ...command
]

/** A program that every client starts separately, with folders below `below`. */
export const program = (command: Command, below: string) =>
  Layer.effect(
    Subject,
    Effect.gen(function* () {
      const at = yield* folders(below)
      const services = yield* Layer.build(NodeServices.layer)
      const file = join(at.home, "pid")
      const options = { command: known(file, command), cwd: at.work, env: environment(at), extendEnv: false }
      return {
        ...at,
        connect: (name) => Effect.provideContext(StdioClient.make({ ...who(name), ...options }), services),
        end: Effect.sync(() => void process.kill(Number(readFileSync(file, "utf8")), "SIGTERM"))
      }
    })
  )

/** The line in which a server reports its address. */
const address = /ws:\/\/127\.0\.0\.1:\d+/

/** A program that listens on a port, which it reports on stderr. */
export const listeningProgram = (command: Command, below: string) =>
  Layer.effect(
    Subject,
    Effect.gen(function* () {
      const at = yield* folders(below)
      const spawner = Context.get(yield* Layer.build(NodeServices.layer), ChildProcessSpawner)
      const [name, ...args] = [...command, "--listen", "ws://127.0.0.1:0"] as const
      const child = yield* spawner.spawn(
        ChildProcess.make(name, args, { cwd: at.work, env: environment(at), forceKillAfter: "1 second" })
      )
      const url = yield* Deferred.make<string>()
      yield* child.stderr.pipe(
        Stream.decodeText(),
        Stream.splitLines,
        Stream.runForEach((line) => {
          const found = address.exec(line)?.[0]
          return found === undefined ? Effect.void : Deferred.succeed(url, found)
        }),
        Effect.forkScoped
      )
      const listening = yield* Deferred.await(url)
      return {
        ...at,
        connect: (name) => WebSocketClient.make({ ...who(name), url: listening }),
        comingBack: comingBack(listening),
        // A signal that can be handled would wait for running turns.
        end: Effect.orDie(child.kill({ killSignal: "SIGKILL" }))
      }
    })
  )

/** This server as a child process, from its sources. */
export const spindle: Command = [
  process.execPath,
  fileURLToPath(new URL("../../src/main.ts", import.meta.url)),
  "app-server"
]
