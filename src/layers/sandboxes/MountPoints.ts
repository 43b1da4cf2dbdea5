/**
 * Folders on which a sandbox mounts an empty folder, to protect names that do not exist.
 *
 * Owns the folders that it creates: they exist while a command of this server needs them, and are then removed. A folder that
 * existed before, or that is not empty, is never removed. Removing one that another command of this server still needs would
 * end that command's protection, so they are counted.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export class MountPoints {
  readonly #users = new Map<string, number>()
  readonly #created = new Set<string>()

  /** Creates the folders that do not exist, until the scope is closed. A folder that cannot be created is left out. */
  hold(paths: ReadonlyArray<string>): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => paths.forEach((path) => this.#take(path))),
        () => Effect.sync(() => paths.toReversed().forEach((path) => this.#leave(path)))
      )
    )
  }

  #take(path: string): void {
    this.#users.set(path, (this.#users.get(path) ?? 0) + 1)
    try {
      Fs.mkdirSync(path, 0o555)
      this.#created.add(path)
    } catch {
      // It exists by now, or the sandbox reports that it cannot create it.
    }
  }

  #leave(path: string): void {
    const users = (this.#users.get(path) ?? 1) - 1
    if (users > 0) return void this.#users.set(path, users)
    this.#users.delete(path)
    if (!this.#created.delete(path)) return
    try {
      Fs.rmdirSync(path)
    } catch {
      // It is in use by now, so it stays.
    }
  }
}
