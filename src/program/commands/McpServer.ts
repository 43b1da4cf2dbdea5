/**
 * `spindle mcp-server`: the agent as an MCP server on standard input and output.
 *
 * @module
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type { AppServerOptions } from "../../layers/AppServerOptions.ts"
import * as InProcessClient from "../../layers/clients/InProcessClient.ts"
import * as Server from "../../layers/Server.ts"
import * as Rollouts from "../../layers/stores/Rollouts.ts"
import { AppServerClient } from "../../services/client/AppServerClient.ts"
import { Version } from "../../services/config/ServerIdentity.ts"
import { TerminalConsole } from "../console/Console.ts"
import * as Peer from "../mcpServer/Peer.ts"
import * as Sessions from "../mcpServer/Sessions.ts"

/** Serves the streams until the input ends, with the agent of the context. */
export const serve = (streams: Peer.Streams): Effect.Effect<void, never, AppServerClient> =>
  Effect.gen(function* () {
    const peer = yield* Peer.make(streams, yield* Sessions.make(yield* AppServerClient))
    yield* peer.closed
  }).pipe(Effect.scoped)

/** Runs the server and returns the exit code. */
export const run = (
  server: AppServerOptions
): Effect.Effect<number, never, FileSystem.FileSystem | Path.Path | TerminalConsole> =>
  serve({ input: process.stdin, output: process.stdout }).pipe(
    Effect.as(0),
    Effect.provide(
      InProcessClient.layer({
        clientName: "spindle-mcp-server",
        clientVersion: Version,
        experimentalApi: true,
        ownsServer: true
      }).pipe(
        Layer.provide(Server.layer({ sessionSource: { custom: "mcp-server" }, store: Rollouts.layer, ...server }))
      )
    ),
    Effect.catch((error) =>
      Effect.gen(function* () {
        const { err } = yield* TerminalConsole
        yield* err.write(`${err.paint("red", "error:")} ${error.message}\n`)
        return 1
      })
    )
  )
