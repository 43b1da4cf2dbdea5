/**
 * Adds rules to the user's own file, `<home>/rules/default.rules`.
 *
 * A rule is one line, written with one append and synced, so that it is complete even when several servers write. The file is
 * created with mode 0600, a link is followed, and anything but a regular file is refused.
 *
 * @module
 */
import * as Fs from "node:fs"
import { type FileHandle, mkdir, open } from "node:fs/promises"
import * as Path from "node:path"

/** Maximum file size. A larger file could not be read, so nothing is added beyond it. */
const MaxBytes = 1024 * 1024

/** Adds `line` unless it is present. Rejects when it cannot be stored. */
export const append = async (file: string, line: string): Promise<void> => {
  await mkdir(Path.dirname(file), { recursive: true, mode: 0o700 })
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDWR } = Fs.constants
  const handle = await open(file, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK, 0o600)
  try {
    await appendTo(handle, line)
  } finally {
    await handle.close()
  }
}

const appendTo = async (handle: FileHandle, line: string): Promise<void> => {
  const stat = await handle.stat()
  if (!stat.isFile()) throw new Error("not a regular file")
  const bytes = Buffer.byteLength(line) + 2
  if (stat.size + bytes > MaxBytes) throw new Error(`it would be larger than ${MaxBytes} bytes`)
  const before = Buffer.alloc(stat.size)
  const { bytesRead } = await handle.read(before, 0, stat.size, 0)
  const text = before.toString("utf8", 0, bytesRead)
  if (text.split("\n").includes(line)) return
  const added = `${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`
  const { bytesWritten } = await handle.write(added)
  if (bytesWritten < Buffer.byteLength(added)) {
    // The disk is full. Remove the partial rule, which would invalidate the whole file.
    await handle.truncate(stat.size)
    throw new Error("only a part of it could be written")
  }
  await handle.sync()
}
