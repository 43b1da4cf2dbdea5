/**
 * The write access of a policy, for every adapter of the sandbox. Node's file system is loaded with the first use.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import process from "node:process"
import type { Sandbox } from "../../services/sandbox/Sandbox.ts"

/** `Sandbox.files` for this process. The absolute paths in `protect` stay read-only in every writable root. */
export const files =
  (protect: ReadonlyArray<string>): Sandbox["Service"]["files"] =>
  (policy, cwd) =>
    Effect.flatMap(
      Effect.promise(() => import("./PolicyFiles.ts")),
      ({ resolve }) => resolve(policy, cwd, { protect, tmpdir: process.env["TMPDIR"] })
    )
