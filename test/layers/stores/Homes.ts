/**
 * Temporary homes, and the rollout store on a home.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Store from "../../../src/layers/stores/rollouts/Store.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"

/** An empty home, removed with the scope. */
export const home = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "rollouts-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** A store on a home, like the one of a server process. */
export const open = (home: string) =>
  Effect.map(Layer.build(Store.layer({ home })), (context) => Context.get(context, ThreadStore))
