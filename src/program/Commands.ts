import * as Effect from "effect/Effect"
import * as Serve from "./Serve.ts"
/** Placeholder until the command line is written. */
export const run = (_args: ReadonlyArray<string>): Effect.Effect<number> => Serve.run({})
