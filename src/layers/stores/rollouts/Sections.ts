/**
 * The definitions of sections, in a small file of this server. The release keeps its own in a database that other programs
 * must not write.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Schema from "effect/Schema"
import { lazy } from "../../../protocol/Lazy.ts"
import { ThreadSection } from "../../../protocol/v2/thread/Thread.ts"
import { makeFolder } from "./Folder.ts"
import { openRegular } from "./Source.ts"

const decode = lazy(() => Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(ThreadSection()))))

/** The largest file that is read, in bytes. */
const MaxBytes = 1024 * 1024

const pathIn = (home: string): string => Path.join(home, "spindle", "sections.json")

/** The stored definitions; empty when there are none. Throws for a file that is not understood. */
export const load = (home: string): ReadonlyArray<ThreadSection> => {
  if (Fs.lstatSync(pathIn(home), { throwIfNoEntry: false }) === undefined) return []
  const { descriptor, stat } = openRegular(pathIn(home), "read")
  try {
    if (stat.size > MaxBytes) throw new Error(`${pathIn(home)} is larger than ${MaxBytes} bytes`)
    return decode()(Fs.readFileSync(descriptor, "utf8"))
  } finally {
    Fs.closeSync(descriptor)
  }
}

/** Replaces the file as a whole: a reader sees the old definitions or the new ones. */
export const save = (home: string, sections: ReadonlyArray<ThreadSection>): void => {
  makeFolder(home, "spindle")
  const temporary = `${pathIn(home)}.tmp`
  Fs.writeFileSync(temporary, JSON.stringify(sections), { mode: 0o600 })
  Fs.renameSync(temporary, pathIn(home))
}
