/**
 * Replaces files on Node: the new content is written beside the file, synced, and renamed over it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeFs from "node:fs"
import * as Path from "node:path"
import { FileReplacement, FileReplacementError } from "../../services/config/FileReplacement.ts"

const { promises: Fs } = NodeFs

/** The file itself: links at the path are followed, also to a file that does not exist yet. */
const targetOf = async (path: string): Promise<string> => {
  let target = path
  for (let links = 0; links < 40; links++) {
    const link = await Fs.readlink(target).catch(() => undefined)
    if (link === undefined) return target
    target = Path.resolve(Path.dirname(target), link)
  }
  throw Object.assign(new Error("too many links"), { code: "ELOOP" })
}

const writeSynced = async (path: string, text: string, mode: number): Promise<void> => {
  const file = await Fs.open(path, "wx", mode)
  try {
    await file.chmod(mode)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

const replaceFile = async (path: string, text: string): Promise<void> => {
  const target = await targetOf(path)
  const found = await Fs.stat(target).catch(() => undefined)
  if (found !== undefined && !found.isFile()) throw Object.assign(new Error("not a file"), { code: "EISDIR" })
  const folder = Path.dirname(target)
  await Fs.mkdir(folder, { recursive: true, mode: 0o700 })
  const suffix = crypto.getRandomValues(new Uint32Array(2)).join("-")
  const temporary = Path.join(folder, `.${Path.basename(target)}.${suffix}`)
  try {
    await writeSynced(temporary, text, found === undefined ? 0o600 : found.mode & 0o777)
    await Fs.rename(temporary, target)
  } catch (error) {
    await Fs.rm(temporary, { force: true })
    throw error
  }
  const opened = await Fs.open(folder, "r")
  await opened.sync().finally(() => opened.close())
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "EIO"

/** Runs to its end: a file that is half replaced cannot be left. */
const attempt = (path: string, run: () => Promise<void>): Effect.Effect<void, FileReplacementError> =>
  Effect.uninterruptible(
    Effect.tryPromise({ try: run, catch: (error) => new FileReplacementError({ path, code: codeOf(error) }) })
  )

/** Files of the machine. */
export const layer: Layer.Layer<FileReplacement> = Layer.succeed(
  FileReplacement,
  FileReplacement.of({
    replace: (path, text) => attempt(path, () => replaceFile(path, text)),
    remove: (path) => attempt(path, () => Fs.rm(path, { force: true }))
  })
)
