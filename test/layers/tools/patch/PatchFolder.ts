/**
 * A folder with files, and patches to it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as None from "../../../../src/layers/sandboxes/None.ts"
import { PatchThread } from "../../../../src/layers/tools/patch/PatchThread.ts"
import { Sandbox } from "../../../../src/services/sandbox/Sandbox.ts"
import type { ToolTurn } from "../../../../src/services/tool/Tool.ts"
import * as TestTurn from "../TestTurn.ts"

/** A file: its text, in Latin-1 so that every byte has a character; or its mode and text, or the target of a link. */
export type FileSpec = string | { readonly text: string; readonly mode: number } | { readonly link: string }

export const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-patch-")))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

export const writeFiles = (root: string, files: Readonly<Record<string, FileSpec>>): void => {
  for (const [name, spec] of Object.entries(files)) {
    const path = Path.join(root, name)
    Fs.mkdirSync(Path.dirname(path), { recursive: true })
    if (typeof spec !== "string" && "link" in spec) Fs.symlinkSync(spec.link, path)
    else {
      Fs.writeFileSync(path, typeof spec === "string" ? spec : spec.text, "latin1")
      Fs.chmodSync(path, typeof spec === "string" ? 0o644 : spec.mode)
    }
  }
}

/** Every file, with its text in Latin-1 as JSON, its mode when it is not 644, and folders with their modes. */
export const tree = (root: string): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {}
  const visit = (folder: string): void => {
    for (const name of Fs.readdirSync(folder).sort()) {
      const path = Path.join(folder, name)
      const key = Path.relative(root, path)
      const stat = Fs.lstatSync(path)
      const mode = (stat.mode & 0o777).toString(8)
      if (stat.isSymbolicLink()) found[key] = `-> ${Fs.readlinkSync(path)}`
      else if (stat.isDirectory()) {
        found[`${key}/`] = mode
        visit(path)
      } else {
        const text = JSON.stringify(Fs.readFileSync(path, "latin1"))
        found[key] = mode === "644" ? text : `${mode} ${text}`
      }
    }
  }
  visit(root)
  return found
}

/** The text of a patch. */
export const patch = (...lines: ReadonlyArray<string>): string =>
  ["*** Begin Patch", ...lines, "*** End Patch", ""].join("\n")

export const addOne = (path: string): string => patch(`*** Add File: ${path}`, "+1")

/** A new folder with these files, and the patches of a new thread. */
export const folderWith = (files: Readonly<Record<string, FileSpec>> = {}) =>
  Effect.gen(function* () {
    const cwd = yield* directory
    writeFiles(cwd, files)
    const sandbox = yield* Effect.provide(Sandbox, None.layer)
    const thread = new PatchThread(sandbox)
    const turn = (options: Parameters<typeof TestTurn.make>[0] = {}) => TestTurn.make({ cwd, ...options })
    return {
      cwd,
      turn,
      thread,
      apply: (text: string, turn: ToolTurn, callId = "call-1") => thread.apply({ callId, text, cwd }, turn)
    }
  })

/** The events of a turn: items with their changes and status, requests, and diffs. */
export const shown = (published: ReadonlyArray<TestTurn.Published>): ReadonlyArray<unknown> =>
  published.map((entry) => {
    if (entry.type === "notified") return entry.params
    if (entry.type !== "asked" && entry.item.type === "fileChange") {
      return [entry.type, entry.item.status, entry.item.changes]
    }
    return entry
  })
