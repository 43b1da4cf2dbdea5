import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rollouts from "../../../src/layers/stores/rollouts/Store.ts"
import { suite } from "./suite.ts"

const home = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "rollouts-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

suite("Rollouts", Layer.unwrap(Effect.map(home, (home) => Rollouts.layer({ home }))))
