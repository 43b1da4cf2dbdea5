/**
 * The credentials of logins at MCP servers, in one file of the home folder that only its owner can read.
 *
 * Owns the file. Its form is `{ "<server>|<url>": { client, tokens } }`. A file that is not a regular file, or cannot be read, is
 * never replaced: the login fails instead.
 *
 * @module
 */
import type { StoredOAuthClientInformation, StoredOAuthTokens } from "@modelcontextprotocol/client"
import { randomUUID } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as NodePath from "node:path"
import { isTable } from "../../../services/config/Table.ts"

/** The name of the file. */
export const FileName = "spindle_mcp_credentials.json"

/** Maximum size of the file in bytes. */
const MaxBytes = 1024 * 1024

/** What is known of the login at one server. */
export interface Credentials {
  readonly client?: StoredOAuthClientInformation | undefined
  readonly tokens?: StoredOAuthTokens | undefined
}

/** The credentials of all servers. Its functions throw when the file cannot be used. */
export interface CredentialStore {
  readonly read: (server: string, url: string) => Promise<Credentials>
  /** Changes the credentials of a server, or removes them. */
  readonly write: (server: string, url: string, credentials: Credentials | undefined) => Promise<void>
}

const keyOf = (server: string, url: string): string => `${server}|${url}`

/** The file, made when it is first written. Writers of this process take turns. */
export const make = (home: string): CredentialStore => {
  const path = NodePath.join(home, FileName)
  let writing: Promise<unknown> = Promise.resolve()

  const readAll = async (): Promise<Readonly<Record<string, Credentials>>> => {
    const facts = await Fs.lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined
      throw error
    })
    if (facts === undefined) return {}
    if (!facts.isFile() || facts.size > MaxBytes) throw new Error(`${FileName} is not a file of credentials`)
    const all: unknown = JSON.parse(await Fs.readFile(path, "utf8"))
    if (!isTable(all)) throw new Error(`${FileName} is not a file of credentials`)
    // Written by this module; a member of another form fails where it is used.
    return all as unknown as Readonly<Record<string, Credentials>>
  }

  const replace = async (server: string, url: string, credentials: Credentials | undefined): Promise<void> => {
    const { [keyOf(server, url)]: _, ...others } = await readAll()
    const all = credentials === undefined ? others : { ...others, [keyOf(server, url)]: credentials }
    const next = `${path}.${randomUUID()}`
    try {
      await Fs.writeFile(next, JSON.stringify(all), { mode: 0o600, flag: "wx" })
      await Fs.rename(next, path)
    } catch (error) {
      await Fs.rm(next, { force: true })
      throw error
    }
  }

  return {
    read: async (server, url) => {
      const all = await readAll()
      const key = keyOf(server, url)
      return Object.hasOwn(all, key) ? (all[key] ?? {}) : {}
    },
    write: (server, url, credentials) => {
      const done = writing.catch(() => undefined).then(() => replace(server, url, credentials))
      writing = done
      return done
    }
  }
}
