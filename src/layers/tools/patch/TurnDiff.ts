/**
 * The difference that the patches of a turn make, as one diff in the form of git.
 *
 * Owns the content of each file before its first patch of the turn and after its last one. A file that ends as it began is
 * left out. Changes by commands are not seen, except in a file that is patched again later.
 *
 * @module
 */
import { createHash } from "node:crypto"
import * as Path from "node:path"
import { cut } from "./Cut.ts"
import { hunks } from "./UnifiedDiff.ts"

/** The content of a file. */
export interface FileContent {
  readonly text: string
  /** The permission bits. */
  readonly mode: number
}

/** What a patch did to one file. Null: the file did not exist, or does not exist any more. */
export interface Effected {
  /** Absolute path. */
  readonly path: string
  readonly before: FileContent | null
  readonly after: FileContent | null
  /** The path from which the content was moved. */
  readonly movedFrom?: string
}

interface Tracked {
  readonly first: FileContent | null
  last: FileContent | null
}

/** Maximum length of the diff in UTF-16 units. The rest is left out, with a note. */
export const MaxTurnDiff = 4 * 1024 * 1024

const Context = 3
const NoBlob = "0".repeat(40)

const blobOf = (file: FileContent | null): string => {
  if (file === null) return NoBlob
  const bytes = Buffer.from(file.text, "utf8")
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex")
}

const modeOf = ({ mode }: FileContent): string => ((mode & 0o111) === 0 ? "100644" : "100755")

export class TurnDiff {
  readonly #root: string
  readonly #files = new Map<string, Tracked>()
  /** The path before the turn of a file that was moved to this path. */
  readonly #origins = new Map<string, string>()
  /** The diffs of single files, until they change. */
  readonly #parts = new Map<string, string>()
  #text = ""

  /** Paths are shown relative to `root`, the root of the repository or the working folder. */
  constructor(root: string) {
    this.#root = root
  }

  /** The diff. */
  get text(): string {
    return this.#text
  }

  /** Adds the changes of a patch. */
  add(changes: ReadonlyArray<Effected>): void {
    for (const { after, before, movedFrom, path } of changes) {
      const known = this.#files.get(path)
      if (known === undefined) this.#files.set(path, { first: before, last: after })
      else known.last = after
      if (after === null) this.#origins.delete(path)
      if (movedFrom !== undefined) this.#origins.set(path, this.#origins.get(movedFrom) ?? movedFrom)
      this.#parts.delete(path)
    }
    // The moved files are not among the keys that changed, when only their origin did.
    for (const path of this.#origins.keys()) this.#parts.delete(path)
    this.#text = this.#render()
  }

  #render(): string {
    const moved = new Map<string, string>()
    for (const [path, origin] of this.#origins) {
      const [from, to] = [this.#files.get(origin), this.#files.get(path)]
      const isMove = from?.last === null && from.first !== null && to?.first === null && to.last !== null
      if (isMove && origin !== path && !moved.has(origin)) moved.set(origin, path)
    }
    const targets = new Set(moved.values())
    const paths = Array.from(this.#files.keys())
      .filter((path) => !targets.has(path))
      .sort(byCodeUnit)
    return cut(paths.map((path) => this.#part(path, moved.get(path) ?? path)).join(""), MaxTurnDiff)
  }

  #part(from: string, to: string): string {
    const key = from === to ? from : to
    const known = this.#parts.get(key)
    if (known !== undefined) return known
    const before = this.#files.get(from)?.first ?? null
    const after = this.#files.get(to)?.last ?? null
    const part = this.#diff(from, to, before, after)
    this.#parts.set(key, part)
    return part
  }

  #diff(from: string, to: string, before: FileContent | null, after: FileContent | null): string {
    if (from === to && before?.text === after?.text) return ""
    const [a, b] = [`a/${this.#shown(from)}`, `b/${this.#shown(to)}`]
    const lines = [`diff --git ${a} ${b}`]
    if (before === null && after !== null) lines.push(`new file mode ${modeOf(after)}`)
    if (before !== null && after === null) lines.push(`deleted file mode ${modeOf(before)}`)
    if (before?.text === after?.text) {
      lines.push("similarity index 100%", `rename from ${this.#shown(from)}`, `rename to ${this.#shown(to)}`)
      return `${lines.join("\n")}\n`
    }
    lines.push(`index ${blobOf(before)}..${blobOf(after)}`)
    const text = hunks(before?.text ?? "", after?.text ?? "", Context)
    if (text !== "") lines.push(`--- ${before === null ? "/dev/null" : a}`, `+++ ${after === null ? "/dev/null" : b}`)
    return `${lines.join("\n")}\n${text}`
  }

  /** The path below the root; an absolute one elsewhere. */
  #shown(path: string): string {
    const relative = Path.relative(this.#root, path)
    return relative === "" || relative === ".." || relative.startsWith(`..${Path.sep}`) ? path : relative
  }
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
