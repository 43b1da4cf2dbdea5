/**
 * Files without a name, for data that a program reads from a path but that no other program may change.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import process from "node:process"
import * as Crypto from "node:crypto"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/**
 * Writes a file, removes its name, and returns the path of its descriptor in `/proc`, which this process and its children can
 * open until the scope is closed. Linux only.
 */
export const make = (data: Uint8Array): Effect.Effect<string, Error, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.tryPromise({ try: () => write(data), catch: (error) => (error instanceof Error ? error : new Error()) }),
      (file) => Effect.promise(() => file.close())
    ),
    ({ fd }) => `/proc/${process.pid}/fd/${fd}`
  )

const write = async (data: Uint8Array): Promise<Fs.promises.FileHandle> => {
  const path = Path.join(Os.tmpdir(), `spindle-${Crypto.randomBytes(16).toString("hex")}`)
  const file = await Fs.promises.open(path, "wx+", 0o600)
  try {
    await Fs.promises.unlink(path)
    await file.writeFile(data)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}
