/**
 * Records in the user's settings that calls of an MCP tool need no approval any more.
 *
 * Owns the edit: a table is appended to `config.toml`, everything else stays as it is. Nothing is written unless the file, read
 * again with the edit, has exactly the new setting in addition; a server that the file does not define, or a tool that it
 * already configures, is left to the user.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as Fs from "node:fs/promises"
import * as Document from "../../../services/config/Document.ts"
import { get, getTable, isTable, type Table } from "../../../services/config/Table.ts"

/** Maximum size of the file in bytes. */
const MaxBytes = 1024 * 1024

const keyOf = (name: string): string => (/^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name))

/** The text with the setting; undefined when it cannot be added. */
export const withApproval = (text: string, server: string, tool: string): string | undefined => {
  const before = Document.parse(text)
  if (Result.isFailure(before)) return undefined
  const servers = getTable(before.success, "mcp_servers")
  const settings = servers === undefined ? undefined : getTable(servers, server)
  if (servers === undefined || settings === undefined) return undefined
  const tools = get(settings, "tools") ?? {}
  if (!isTable(tools) || Object.hasOwn(tools, tool)) return undefined
  const gap = text === "" || text.endsWith("\n") ? "" : "\n"
  const next = `${text}${gap}\n[mcp_servers.${keyOf(server)}.tools.${keyOf(tool)}]\napproval_mode = "approve"\n`
  const expected: Table = {
    ...before.success,
    mcp_servers: { ...servers, [server]: { ...settings, tools: { ...tools, [tool]: { approval_mode: "approve" } } } }
  }
  const after = Document.parse(next)
  return Result.isSuccess(after) && isSame(after.success, expected) ? next : undefined
}

/** Whether two tables are equal, whatever the order of their keys. */
const isSame = (one: unknown, other: unknown): boolean => {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, index) => isSame(value, other[index]))
  }
  if (!isTable(one) || !isTable(other)) return Object.is(one, other)
  const keys = Object.keys(one)
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
  )
}

const edit = async (path: string, server: string, tool: string): Promise<boolean> => {
  // A link to the file stays a link.
  const file = await Fs.realpath(path)
  const facts = await Fs.stat(file)
  if (!facts.isFile() || facts.size > MaxBytes) return false
  const next = withApproval(await Fs.readFile(file, "utf8"), server, tool)
  if (next === undefined) return false
  const temporary = `${file}.${randomUUID()}`
  try {
    await Fs.writeFile(temporary, next, { mode: facts.mode & 0o777, flag: "wx" })
    await Fs.rename(temporary, file)
  } catch (error) {
    await Fs.rm(temporary, { force: true })
    throw error
  }
  return true
}

/** Records approvals in the user's settings, one at a time. False when that is not possible. */
export const make = (userFile: string) =>
  Effect.map(
    Semaphore.make(1),
    (lock) =>
      (server: string, tool: string): Effect.Effect<boolean> =>
        lock.withPermit(
          Effect.orElseSucceed(
            Effect.tryPromise(() => edit(userFile, server, tool)),
            () => false
          )
        )
  )
