/**
 * Answers `initialize` on standard input and output before the server is built.
 *
 * The answer needs only the version, the home folder and the platform. Loading and building the server takes longer than
 * Node's own start, and a client that sends `initialize` immediately does not have to wait for it.
 *
 * Owns the first read of standard input. The input is put back, so that the server reads the same `initialize`, opens the
 * session and processes the messages after it. The server's own answer has the same text, and the writer omits it.
 *
 * ```
 *  listening ──a first line that is a plain initialize──► answered ──┐
 *      └────────anything else, or the server is ready────────────────┴─► released: the server reads
 * ```
 *
 * Invariants: at most one answer is written; a request that could be refused is left to the server; after `release` nothing
 * is read or written here. Imports only constants and Node's own modules.
 *
 * @module
 */
import * as Fs from "node:fs"
import process from "node:process"
import { home, machine } from "../layers/MachineInfo.ts"
import { encodeSuccess } from "../protocol/jsonrpc/Encode.ts"
import { parse } from "../protocol/jsonrpc/Parse.ts"
import { isPlainService } from "./PlainService.ts"
import { initializeResponse, isHeaderValue, type Machine } from "../services/config/ServerIdentity.ts"

/** Size limit in bytes of a first line that is examined. */
const MaxLine = 64 * 1024

/**
 * Size limit in bytes of an answer. A pipe takes so much as a whole or not at all, also one that does not block; of a longer
 * answer it might take a part only.
 */
const MaxAnswer = 4096

/** How long the start waits for a first line, in milliseconds. A line that was sent earlier is available immediately. */
const Patience = 1

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isAbsent = (value: unknown): boolean => value === undefined || value === null

const hasOnly = (value: Readonly<Record<string, unknown>>, names: ReadonlyArray<string>): boolean =>
  Object.keys(value).every((name) => names.includes(name))

/** Whether no capability can be refused or changes the answer. */
const arePlain = (capabilities: unknown): boolean =>
  isAbsent(capabilities) ||
  (isObject(capabilities) &&
    hasOnly(capabilities, ["experimentalApi", "requestAttestation", "optOutNotificationMethods"]) &&
    Object.entries(capabilities).every(([name, value]) =>
      name === "optOutNotificationMethods"
        ? isAbsent(value) || (Array.isArray(value) && value.every((method) => typeof method === "string"))
        : typeof value === "boolean"
    ))

/** The name of the client, if its parameters are certain to be accepted. */
const clientName = (params: unknown): string | undefined => {
  if (!isObject(params) || !hasOnly(params, ["clientInfo", "capabilities"])) return undefined
  const { clientInfo, capabilities } = params
  if (!isObject(clientInfo) || !hasOnly(clientInfo, ["name", "title", "version"])) return undefined
  const { name, title, version } = clientInfo
  const isKnown = typeof name === "string" && typeof version === "string"
  if (!isKnown || !(isAbsent(title) || typeof title === "string") || !arePlain(capabilities)) return undefined
  return isHeaderValue(name) ? name : undefined
}

/** The answer to a line, or undefined when the server has to decide. */
export const answerTo = (line: string, machine: Machine, home: string): string | undefined => {
  const incoming = parse(line)
  if (incoming._tag !== "Request" || incoming.request.method !== "initialize") return undefined
  const { id, params, extensions } = incoming.request
  const name = isAbsent(extensions) ? clientName(params) : undefined
  if (name === undefined) return undefined
  const text = encodeSuccess(id, JSON.stringify(initializeResponse(machine, home, name)))
  return Buffer.byteLength(text) < MaxAnswer ? text : undefined
}

/** The first line of a chunk, without its line ending. */
const firstLine = (chunk: Uint8Array): string | undefined => {
  const end = chunk.subarray(0, MaxLine).indexOf(0x0a)
  try {
    return end === -1 ? undefined : new TextDecoder("utf-8", { fatal: true }).decode(chunk.subarray(0, end))
  } catch {
    return undefined
  }
}

/** Writes a line to standard output; false when the write failed. */
const write = (text: string): boolean => {
  const bytes = Buffer.from(`${text}\n`)
  let written = 0
  try {
    while (written < bytes.length) written += Fs.writeSync(1, bytes, written)
  } catch {
    return written > 0
  }
  return true
}

export interface EarlyAnswer {
  /** Passes standard input to the server. Returns the answer that was written; undefined when there was none. */
  readonly release: () => string | undefined
}

/** An error of standard input. The stream keeps it, and the server reads it. */
const ignore = (): void => undefined

/**
 * Listens for `initialize` until `release`. Resolves when the first line has arrived, or after `Patience`; immediately with
 * undefined when the command line is not the plain service.
 */
export const listen = async (args: ReadonlyArray<string>): Promise<EarlyAnswer | undefined> =>
  isPlainService(args, process.stdin.isTTY) ? listening() : undefined

const listening = (): Promise<EarlyAnswer> =>
  new Promise((resolve) => {
    const { stdin } = process
    let answered: string | undefined
    const onReadable = (): void => {
      // At the end of the input there is nothing to put back.
      if (stdin.readableLength === 0) return
      stdin.off("readable", onReadable)
      const chunk: Uint8Array = stdin.read()
      stdin.unshift(chunk)
      const line = firstLine(chunk)
      const text = line === undefined ? undefined : answerTo(line, machine(), home(process.env))
      if (text !== undefined && write(text)) answered = text
      seen()
    }
    const release = (): string | undefined => {
      stdin.off("readable", onReadable)
      stdin.off("error", ignore)
      return answered
    }
    const seen = (): void => {
      clearTimeout(timer)
      resolve({ release })
    }
    const timer = setTimeout(seen, Patience)
    stdin.on("readable", onReadable)
    stdin.on("error", ignore)
  })
