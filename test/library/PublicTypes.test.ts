import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { emit, unnameable } from "./Declarations.ts"

const timeout = 60_000

const folder = mkdtempSync(join(tmpdir(), "spindle-types-"))

const write = (file: string, text: string): void => {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
}

describe("the types of the library", () => {
  beforeAll(() => emit(join(folder, "types")), timeout)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("can all be named: an entry point exports every type in a public signature", () => {
    const { exports } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      readonly exports: Readonly<Record<string, { readonly types?: string } | string>>
    }
    const entries = Object.values(exports).flatMap((entry) =>
      typeof entry === "object" && entry.types !== undefined ? [entry.types.replace("./dist/types/", "")] : []
    )
    assert.include(entries, "index.d.ts")
    assert.deepStrictEqual(unnameable(join(folder, "types"), entries), [])
  })

  it("has a check that finds a type which cannot be named", () => {
    write("small/index.d.ts", 'export * as A from "./a.ts";\n')
    write(
      "small/a.d.ts",
      'import type { B } from "./b.ts";\nimport type * as C from "./c.ts";\nexport { D } from "./d.ts";\n' +
        "export declare const a: (b: B, c: C.One) => C.Two;\n" +
        'export declare const e: import("./e.ts").E | import("./d.ts").D;\nexport type { B };\n'
    )
    assert.deepStrictEqual(unnameable(join(folder, "small"), ["index.d.ts"]), ["c.d.ts One", "c.d.ts Two", "e.d.ts E"])
  })

  it("includes every type of the protocol", () => {
    const protocol = new URL("../../src/protocol/", import.meta.url)
    const listed = readFileSync(new URL("Protocol.ts", protocol), "utf8")
    const missing = readdirSync(fileURLToPath(new URL("v2", protocol)), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .filter((file) => /^export (?:type|interface) /m.test(readFileSync(new URL(`v2/${file}`, protocol), "utf8")))
      .filter((file) => !listed.includes(`* from "./v2/${file}"`))
      .map((file) => `export * from "./v2/${file}"`)
    assert.deepStrictEqual(missing, [], "add these lines to src/protocol/Protocol.ts")
  })
})
