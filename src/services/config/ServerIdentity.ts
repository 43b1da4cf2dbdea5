/**
 * The server's answer to `initialize`. It is computed from plain values, so that the program can answer before the server is
 * built.
 *
 * @module
 */
import type { InitializeResponse } from "../../protocol/v2/server/Initialize.ts"

/** The release whose protocol this server implements; clients read it from the user agent. */
export const ProtocolRelease = "0.169.0"

/** This package's version. */
export const Version = "0.1.0"

/** The machine as reported to clients. */
export interface Machine {
  /** As in `Linux 6.8; x86_64`. */
  readonly platform: string
  /** `unix` or `windows`. */
  readonly platformFamily: string
  /** `linux`, `macos` or `windows`. */
  readonly platformOs: string
}

/** The user agent for model servers and clients: `<client>/<release> (<os>; <arch>) spindle/<version>`. */
export const userAgent = (machine: Machine, clientName: string): string =>
  `${clientName}/${ProtocolRelease} (${machine.platform}) spindle/${Version}`

/** Whether a client's name can be sent in HTTP headers, which exclude control characters except the tab. */
export const isHeaderValue = (name: string): boolean => {
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return false
  }
  return true
}

/** The answer to `initialize`. `home` is the absolute path of the home folder. */
export const initializeResponse = (machine: Machine, home: string, clientName: string): InitializeResponse => ({
  userAgent: userAgent(machine, clientName),
  codexHome: home,
  platformFamily: machine.platformFamily,
  platformOs: machine.platformOs
})
