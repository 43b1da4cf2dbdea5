/**
 * Secure random bytes from batches.
 *
 * An id needs 16 bytes, and each call to the system's generator costs many times more than the bytes. Bytes are handed out
 * once and erased from the batch. Does not own the generator (`SecureRandom.randomBytesUnsafe`), which is loaded with the first
 * use.
 *
 * @module
 */
import * as SecureRandom from "effect/crypto/SecureRandom"

/** Bytes of one batch. */
const BatchBytes = 4096

/** Longer requests get bytes of their own. */
const MaxFromBatch = 64

/** A source of secure random bytes: a fresh array for each call. `generate` returns as many bytes as it is asked for. */
export const make = (
  generate: (size: number) => Uint8Array = SecureRandom.randomBytesUnsafe
): ((size: number) => Uint8Array) => {
  let batch: Uint8Array = new Uint8Array(0)
  let next = 0
  return (size) => {
    if (size > MaxFromBatch) return generate(size)
    if (next + size > batch.length) {
      batch = generate(BatchBytes)
      next = 0
    }
    const bytes = batch.slice(next, next + size)
    batch.fill(0, next, next + size)
    next += size
    return bytes
  }
}
