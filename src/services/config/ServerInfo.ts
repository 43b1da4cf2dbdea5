/**
 * What the server reports about itself.
 *
 * @module
 */
import * as Context from "effect/Context"
import type { Machine } from "./ServerIdentity.ts"
import type { SessionSource } from "../../protocol/v2/thread/Thread.ts"

export class ServerInfo extends Context.Service<
  ServerInfo,
  Machine & {
    /** The kind of program that starts threads: `cli` and `exec` embed the server, `vscode` is the service's default. */
    readonly sessionSource: SessionSource
    /** The folder that relative paths are resolved against; absolute. */
    readonly cwd: string
    /** The machine's time zone by its name, as in `Europe/Berlin`. */
    readonly timeZone: () => string
    /** The day in that zone, as in `2026-11-20`, at a time in Unix milliseconds. */
    readonly localDate: (millis: number) => string
  }
>()("spindle/ServerInfo") {}
