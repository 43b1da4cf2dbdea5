/**
 * The handlers of `command/exec` and `process/*`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as CommandExec from "./CommandExec.ts"
import * as Launchers from "./Launchers.ts"
import * as ProcessSpawn from "./ProcessSpawn.ts"

export const make = Effect.gen(function* () {
  const launchers = yield* Launchers.make
  return { ...(yield* CommandExec.make(launchers)), ...(yield* ProcessSpawn.make(launchers)) }
})
