import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeSmallFiles from "../../../../src/layers/files/NodeSmallFiles.ts"
import { check as checkWith } from "../../../../src/layers/tools/shell/RulesCheck.ts"
import { SmallFiles } from "../../../../src/services/config/SmallFiles.ts"
import { makeServer } from "../../../support/Server.ts"

const home = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-check-")))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const check = (folder: string) =>
  Effect.flatMap(SmallFiles, (files) => checkWith(files, folder)).pipe(Effect.provide(NodeSmallFiles.layer))

const params = { clientInfo: { name: "probe", version: "0.0.1" } }

const summary = "Error parsing rules; custom rules not applied."

const broken = "any a rule"

const warningOf = (path: string) => ({
  summary,
  details: `failed to parse rules file ${path}: unexpected \`a\`, expected a new line\n --> ${path}:1:5`,
  path,
  range: { start: { line: 1, column: 5 }, end: { line: 1, column: 5 } }
})

describe("the check of the home's rules", () => {
  it.effect("finds nothing in a folder that is missing, has no rules, or has valid ones", () =>
    Effect.gen(function* () {
      const folder = Path.join(yield* home, "rules")
      assert.deepStrictEqual(yield* check(folder), [])
      Fs.mkdirSync(folder)
      Fs.writeFileSync(Path.join(folder, "a.txt"), broken)
      assert.deepStrictEqual(yield* check(folder), [])
      Fs.writeFileSync(Path.join(folder, "a.rules"), 'prefix_rule(pattern=["ls"])')
      assert.deepStrictEqual(yield* check(folder), [])
    })
  )

  it.effect("names every file that is invalid, beyond a limit or unreadable", () =>
    Effect.gen(function* () {
      const folder = Path.join(yield* home, "rules")
      Fs.mkdirSync(folder)
      const path = Path.join(folder, "a.rules")
      Fs.writeFileSync(path, broken)
      assert.deepStrictEqual(yield* check(folder), [warningOf(path)])
      Fs.writeFileSync(path, `x = ${"[".repeat(100)}`)
      const at = { line: 1, column: 68 }
      assert.deepStrictEqual(yield* check(folder), [
        {
          summary,
          details: `failed to parse rules file ${path}: nested deeper than 64 levels\n --> ${path}:1:68`,
          path,
          range: { start: at, end: at }
        }
      ])
      Fs.rmSync(path)
      Fs.mkdirSync(path)
      assert.deepStrictEqual(yield* check(folder), [
        { summary, details: `failed to read rules file ${path}: not a regular file`, path }
      ])
    })
  )

  it.effect("reports a folder that is a file, or has too many entries", () =>
    Effect.gen(function* () {
      const folder = Path.join(yield* home, "rules")
      Fs.writeFileSync(folder, "")
      const detailsOf = Effect.map(check(folder), (warnings) => warnings.map(({ details }) => details))
      assert.deepStrictEqual(yield* detailsOf, [
        `failed to read rules files from ${folder}: Not a directory (os error 20)`
      ])
      Fs.rmSync(folder)
      Fs.mkdirSync(folder)
      for (let index = 0; index <= 4096; index++) Fs.writeFileSync(Path.join(folder, `${index}`), "")
      assert.deepStrictEqual(yield* detailsOf, [`failed to read rules files from ${folder}: more than 4096 entries`])
    })
  )

  it.effect("warns each client once, after the response to its initialize", () =>
    Effect.gen(function* () {
      const folder = yield* home
      const path = Path.join(folder, "rules", "a.rules")
      Fs.mkdirSync(Path.dirname(path))
      Fs.writeFileSync(path, broken)
      const { wire } = yield* makeServer({ home: folder, ownTools: true })
      const clients = [yield* wire(), yield* wire(), yield* wire()] as const
      const [first, second, silent] = clients
      for (const client of clients.slice(0, 2)) {
        yield* client.send(1, "initialize", params)
        const published = [yield* client.next, yield* client.next]
        assert.deepStrictEqual(
          published.map((message) => message["id"] ?? [message["method"], message["params"]]),
          [1, ["configWarning", warningOf(path)]]
        )
      }
      yield* silent.send(1, "initialize", {
        ...params,
        capabilities: { optOutNotificationMethods: ["configWarning"] }
      })
      assert.strictEqual((yield* silent.next)["id"], 1)
      for (const client of clients) {
        assert.deepStrictEqual(yield* client.request(2, "thread/loaded/list", {}), {
          id: 2,
          result: { data: [], nextCursor: null }
        })
      }
      assert.deepStrictEqual([first.outgoing.stats.size, second.outgoing.stats.size], [0, 0])
    })
  )
})
