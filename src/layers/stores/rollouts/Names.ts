/**
 * `session_index.jsonl`: the names of threads, shared with the release. A later line of a thread replaces an earlier one.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { isRecord, millisOf, timestampOf } from "./Line.ts"
import { type Identity, LineReader, openRegular, withSource } from "./Source.ts"

/** A name and when it was given, in Unix milliseconds. */
export interface Named {
  readonly name: string
  readonly at: number
}

const parse = (text: string | null): readonly [string, Named] | undefined => {
  let line: unknown
  try {
    line = JSON.parse(text ?? "")
  } catch {
    return undefined
  }
  if (!isRecord(line)) return undefined
  const { id, thread_name: name, updated_at: at } = line
  return typeof id === "string" && typeof name === "string"
    ? [id, { name, at: typeof at === "string" ? millisOf(at) : 0 }]
    : undefined
}

export class Names {
  readonly #path: string
  readonly #names = new Map<string, Named>()
  #identity: Identity | undefined
  /** How much of the file was read. */
  #read = 0
  /** Threads whose last name may be another one. */
  #changed = new Set<string>()

  constructor(home: string) {
    this.#path = Path.join(home, "session_index.jsonl")
  }

  /** The last name of a thread. */
  of(threadId: string): Named | undefined {
    this.#refresh()
    return this.#names.get(threadId)
  }

  /** The last name, if it was given after the last one that the thread's file has. */
  newer(threadId: string, known: { readonly at: number; readonly name: string | null } | null): Named | undefined {
    const named = this.of(threadId)
    return named !== undefined && named.at > (known?.at ?? 0) && named.name !== known?.name ? named : undefined
  }

  /** The threads whose last name may have changed since the last call. */
  changes(): ReadonlySet<string> {
    this.#refresh()
    const changed = this.#changed
    if (changed.size > 0) this.#changed = new Set()
    return changed
  }

  add(threadId: string, name: string, at: number): void {
    const line = `${JSON.stringify({ id: threadId, thread_name: name, updated_at: timestampOf(at) })}\n`
    this.#create()
    const { descriptor, stat } = openRegular(this.#path, "append")
    try {
      // A last line without a line feed is torn.
      const last = Buffer.alloc(1)
      const isTorn = stat.size > 0 && Fs.readSync(descriptor, last, 0, 1, stat.size - 1) === 1 && last[0] !== 10
      const bytes = Buffer.from(isTorn ? `\n${line}` : line)
      // Half a line stays when the disk is full: behind it may already be the line of another program.
      for (let written = 0; written < bytes.length;) written += Fs.writeSync(descriptor, bytes, written)
    } finally {
      Fs.closeSync(descriptor)
    }
  }

  #create(): void {
    if (Fs.lstatSync(this.#path, { throwIfNoEntry: false }) !== undefined) return
    Fs.closeSync(Fs.openSync(this.#path, "a", 0o600))
  }

  /** Reads the lines that were added. A file that was replaced or became shorter is read again. */
  #refresh(): void {
    const stat = Fs.lstatSync(this.#path, { throwIfNoEntry: false })
    const isSame = stat?.ino === this.#identity?.ino && stat?.dev === this.#identity?.dev
    if (isSame && stat?.size === this.#read) return
    if (!isSame || (stat?.size ?? 0) < this.#read) {
      for (const id of this.#names.keys()) this.#changed.add(id)
      this.#names.clear()
      this.#read = 0
    }
    this.#identity = stat
    if (stat?.isFile() !== true) return
    withSource(this.#path, (source) => {
      const reader = new LineReader(source, this.#read, null)
      for (let line = reader.next(); line !== undefined; line = reader.next()) {
        const named = parse(line.text)
        if (named !== undefined) {
          this.#names.set(...named)
          this.#changed.add(named[0])
        }
        if (line.isTerminated) this.#read = line.end
      }
    })
  }
}
