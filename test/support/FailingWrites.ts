/**
 * Makes the writes of this process to files fail, as a full or a broken disk does.
 *
 * @module
 */
import Fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import * as Effect from "effect/Effect"

const errorOf = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code })

/** What fails from now on. */
export interface FailingWrites {
  /** Number of bytes that can still be written. Default: no limit. */
  room: number
  /** Whether flushes to the disk fail. */
  flush: boolean
  /** Whether files cannot be made shorter. */
  truncate: boolean
}

/** Fails writes until the scope ends. A write beyond the room writes as much as there is room for, as the system call does. */
export const make = Effect.acquireRelease(
  Effect.sync(() => {
    const real = { ...Fs }
    const failing: FailingWrites = { room: Number.POSITIVE_INFINITY, flush: false, truncate: false }
    const writeSync = (descriptor: number, data: Uint8Array | string, offset?: number | null): number => {
      const bytes = (typeof data === "string" ? Buffer.from(data) : data).subarray(Number(offset ?? 0))
      const length = Math.min(bytes.length, failing.room)
      if (length === 0 && bytes.length > 0) throw errorOf("ENOSPC")
      failing.room -= length
      return real.writeSync(descriptor, bytes, 0, length)
    }
    const fdatasyncSync: typeof Fs.fdatasyncSync = (descriptor) => {
      if (failing.flush) throw errorOf("EIO")
      real.fdatasyncSync(descriptor)
    }
    const fdatasync = (descriptor: number, done: Fs.NoParamCallback): void => {
      if (failing.flush) done(errorOf("EIO"))
      else real.fdatasync(descriptor, done)
    }
    const ftruncateSync: typeof Fs.ftruncateSync = (descriptor, length) => {
      if (failing.truncate) throw errorOf("EIO")
      real.ftruncateSync(descriptor, length)
    }
    Object.assign(Fs, { writeSync, fdatasync, fdatasyncSync, ftruncateSync })
    syncBuiltinESMExports()
    return { failing, real }
  }),
  ({ real }) =>
    Effect.sync(() => {
      const { fdatasync, fdatasyncSync, ftruncateSync, writeSync } = real
      Object.assign(Fs, { fdatasync, fdatasyncSync, ftruncateSync, writeSync })
      syncBuiltinESMExports()
    })
).pipe(Effect.map(({ failing }) => failing))
