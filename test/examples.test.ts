import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { cases, normal } from "./examples/Cases.ts"
import { run } from "./support/Programs.ts"

const timeout = 60_000

const scratch = mkdtempSync(join(tmpdir(), "spindle-examples-"))

/** The released server, if the tests have its path. */
const codex = process.env["CODEX_BIN"]

describe("examples", () => {
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  it("are all run", () => {
    // The store is used by `own-store.ts`.
    const files = readdirSync(new URL("../examples", import.meta.url)).filter((file) => file !== "json-lines-store.ts")
    assert.deepStrictEqual(files.sort(), Array.from(new Set(cases.map(({ file }) => file))).sort())
  })

  it.live.each(cases)(
    "$file: $name",
    ({ args, environment = {}, file, stderr = "", stdout }) =>
      Effect.gen(function* () {
        const folder = join(scratch, file)
        mkdirSync(folder, { recursive: true })
        const filled = args.map((arg) => arg.replace("<folder>", folder))
        const ran = yield* run(`examples/${file}`, filled, { environment })
        assert.deepStrictEqual(
          { ...ran, stdout: normal(ran.stdout), stderr: normal(ran.stderr) },
          { code: 0, stdout, stderr }
        )
      }),
    timeout
  )

  it.live.skipIf(codex === undefined || !existsSync(codex))(
    "released-server.ts: prints the version and the models of the released server",
    () =>
      Effect.gen(function* () {
        const environment = { CODEX_BIN: codex ?? "", CODEX_HOME: scratch }
        const { code, stdout } = yield* run("examples/released-server.ts", [], { environment })
        assert.match(stdout, /^version \d+\.\d+\.\d+\nmodels: \S/)
        assert.strictEqual(code, 0)
      }),
    timeout
  )
})
