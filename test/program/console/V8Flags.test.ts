import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import process from "node:process"
import { YoungGenerationBytes } from "../../../src/program/console/V8Flags.ts"

/** Makes objects that survive for a while, and prints how large the young generation became. */
const script = `
import { setImmediate } from "node:timers/promises"
import v8 from "node:v8"
import * as Effect from "effect/Effect"
import { limitGrowth } from "./src/program/console/V8Flags.ts"

const work = Effect.promise(async () => {
  let largest = 0
  let kept = []
  for (let round = 0; round < 120; round++) {
    for (let made = 0; made < 20_000; made++) kept.push({ made, text: "text" + made })
    if (kept.length > 400_000) kept = []
    await setImmediate()
    const space = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")
    largest = Math.max(largest, space?.space_size ?? 0)
  }
  return largest
})
const limited = process.argv[1] === "limited" ? Effect.andThen(limitGrowth, work) : work
console.log(await Effect.runPromise(Effect.scoped(limited)))
`

const largest = (kind: string): number =>
  Number(
    execFileSync(process.execPath, ["--max-semi-space-size=32", "--input-type=module", "-e", script, kind], {
      encoding: "utf8"
    })
  )

describe("the young generation", () => {
  it("stops growing at its limit, up to the size of a step", () => {
    assert.isAtMost(largest("limited"), YoungGenerationBytes * 1.25)
    assert.isAbove(largest("unlimited"), YoungGenerationBytes * 1.25)
  })
})
