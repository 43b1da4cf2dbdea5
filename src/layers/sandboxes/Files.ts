/**
 * The write access of a policy, for every adapter of the sandbox. Node's file system is loaded with the first use.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import process from "node:process"
import type { Sandbox } from "../../services/sandbox/Sandbox.ts"

/** What the writable files depend on besides the policy. */
export interface FilesOptions {
  /** The value of `TMPDIR`. Default: that of this process. */
  readonly tmpdir?: string | undefined
  /** Absolute paths that stay read-only in every writable root, such as the server's home. */
  readonly protect: ReadonlyArray<string>
}

/** `Sandbox.files` for this process. */
export const files =
  ({ protect, tmpdir = process.env["TMPDIR"] }: FilesOptions): Sandbox["Service"]["files"] =>
  (policy, cwd) =>
    Effect.flatMap(
      Effect.promise(() => import("./PolicyFiles.ts")),
      ({ resolve }) => resolve(policy, cwd, { protect, tmpdir })
    )
