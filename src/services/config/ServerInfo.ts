/**
 * What this server says of itself.
 *
 * @module
 */
import * as Context from "effect/Context"
import type { SessionSource } from "../../protocol/v2/thread/Thread.ts"

/** The release whose protocol is spoken; clients read it out of the user agent. */
export const ProtocolRelease = "0.169.0"

/** This package's version. */
export const Version = "0.1.0"

export class ServerInfo extends Context.Service<
  ServerInfo,
  {
    /** The kind of program that threads are started from: `cli` and `exec` embed, `vscode` is the service's default. */
    readonly sessionSource: SessionSource
    /** As in `Linux 6.8; x86_64`. */
    readonly platform: string
    /** `unix` or `windows`. */
    readonly platformFamily: string
    /** `linux`, `macos` or `windows`. */
    readonly platformOs: string
    /** The folder relative paths are joined to; absolute. */
    readonly cwd: string
    /** The machine's time zone by its name, as in `Europe/Berlin`. */
    readonly timeZone: () => string
    /** The day in that zone, as in `2026-11-20`, at a time in Unix milliseconds. */
    readonly localDate: (millis: number) => string
  }
>()("spindle/ServerInfo") {}

/** What model servers and clients are told: `<client>/<release> (<os>; <arch>) spindle/<version>`. */
export const userAgent = (info: ServerInfo["Service"], clientName: string): string =>
  `${clientName}/${ProtocolRelease} (${info.platform}) spindle/${Version}`
