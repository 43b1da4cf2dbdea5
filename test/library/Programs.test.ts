import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { blocksIn } from "../../scripts/documentation/Snippets.ts"
import { check, install } from "./Installed.ts"

const timeout = 180_000

const root = fileURLToPath(new URL("../../", import.meta.url))

const pages = ["model", "sandbox", "store", "tool", "transport"]

describe("programs outside of the repository", () => {
  const project = mkdtempSync(join(tmpdir(), "spindle-programs-"))
  afterAll(() => rmSync(project, { recursive: true, force: true }))

  it(
    "compile against the declarations of the package, which are checked, too: the examples, and those of each port's page",
    () => {
      install(project)
      cpSync(join(root, "examples"), project, { recursive: true })
      for (const page of pages) {
        const blocks = blocksIn(page, readFileSync(join(root, `docs/ports/${page}.md`), "utf8"))
        assert.isNotEmpty(blocks, page)
        for (const [index, { code }] of blocks.entries()) writeFileSync(join(project, `docs_${page}_${index}.ts`), code)
      }
      const wrong = 'import { Tool } from "spindle-app-server"\nexport const tool: Tool.Tool = { spec: 1 }\n'
      writeFileSync(join(project, "wrong.ts"), wrong)
      const errors = check(project)
      assert.isNotEmpty(errors.filter((error) => error.startsWith("wrong.ts")))
      assert.deepStrictEqual(
        errors.filter((error) => !error.startsWith("wrong.ts")),
        []
      )
    },
    timeout
  )
})
