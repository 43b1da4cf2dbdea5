/**
 * A server that is killed at 200 random moments of running turns.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import * as KillRounds from "../support/KillRounds.ts"

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url))

const rounds = Number(process.env["KILL_ROUNDS"] ?? 200)

describe("the built program that is killed during turns", () => {
  it.live(
    `still has everything that its client was told, ${rounds} times`,
    () =>
      Effect.gen(function* () {
        const command = [process.execPath, main, "app-server"]
        const lost = yield* Effect.promise(() => KillRounds.run({ rounds, command, seed: 2 }))
        assert.deepStrictEqual(lost, [])
      }),
    1_200_000
  )
})
