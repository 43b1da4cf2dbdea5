import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import * as KillRounds from "../support/KillRounds.ts"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

/** The conformance run does more of them, with the built program. */
const rounds = Number(process.env["KILL_ROUNDS"] ?? 4)

describe("a server that is killed during turns", () => {
  it.live(
    "still has everything that its client was told",
    () =>
      Effect.gen(function* () {
        const command = [process.execPath, "--conditions=spindle-source", main, "app-server"]
        const lost = yield* Effect.promise(() => KillRounds.run({ rounds, command, seed: 1 }))
        assert.deepStrictEqual(lost, [])
      }),
    120_000
  )
})
