import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Tool } from "../../../../src/services/tool/Tool.ts"
import { text } from "../../../../src/services/tool/Tool.ts"
import { makeServer, userInput } from "../../../support/Server.ts"

const tool = (ran: Array<string>): Tool => ({
  spec: { type: "function", name: "probe", description: "", parameters: { type: "object" }, strict: false },
  run: ({ input }) => Effect.sync(() => (ran.push(input), text(`saw ${input}`)))
})

const command = (line: string, more: object = {}) => ({
  hooks: [{ type: "command", command: line, timeout: 5, ...more }]
})

/** A server whose home has these hooks. */
const makeHooked = Effect.fnUntraced(function* (
  hooks: object,
  options: { readonly trusted?: boolean; readonly project?: object; readonly trustsProject?: boolean } = {}
) {
  const root = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-hooks-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const [home, cwd] = [join(root, "home"), join(root, "work")]
  mkdirSync(home)
  mkdirSync(join(cwd, ".codex"), { recursive: true })
  mkdirSync(join(cwd, ".git"))
  writeFileSync(join(home, "hooks.json"), JSON.stringify({ hooks }).replaceAll("$ROOT", root))
  const trust = options.trustsProject === true ? `[projects."${cwd}"]\ntrust_level = "trusted"\n` : ""
  writeFileSync(join(home, "config.toml"), trust)
  if (options.project !== undefined)
    writeFileSync(
      join(cwd, ".codex", "hooks.json"),
      JSON.stringify({ hooks: options.project }).replaceAll("$ROOT", root)
    )
  const ran: Array<string> = []
  const environment = { PATH: process.env["PATH"], HOME: root, PROBE_TOKEN: "secret" }
  const server = yield* makeServer({ home, cwd, environment, toolbox: [tool(ran)] })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const list = Effect.map(client.request("hooks/list", { cwds: [cwd] }), ({ data }) => data[0])
  if (options.trusted !== false) {
    const found = (yield* list)?.hooks ?? []
    const value = Object.fromEntries(found.map(({ currentHash, key }) => [key, { trusted_hash: currentHash }]))
    yield* client.request("config/batchWrite", {
      edits: [{ keyPath: "hooks.state", value, mergeStrategy: "upsert" }],
      reloadUserConfig: true
    })
  }
  const { thread } = yield* client.request("thread/start", { cwd })
  const start = client.request("turn/start", { threadId: thread.id, input: userInput("go") })
  const log = () => readFileSync(join(root, "log"), "utf8")
  return { ...server, client, list, start, log, ran, root, threadId: thread.id }
})

const outputOf = (input: ReadonlyArray<unknown>): unknown => Reflect.get(input.at(-1) ?? {}, "output")

describe("the hooks of the configuration", () => {
  it.live("see the call, without the secrets of the environment, and deny it", () =>
    Effect.gen(function* () {
      const line = "cat > $ROOT/log; echo >> $ROOT/log; env >> $ROOT/log; echo no >&2; exit 2"
      const { client, log, model, ran, start } = yield* makeHooked({
        PreToolUse: [{ matcher: "probe", ...command(line) }]
      })
      yield* start
      yield* model.call(["probe", "c1"])
      const completed = yield* client.notified("hook/completed")
      const { request } = yield* model.reply("done")
      yield* client.notified("turn/completed")
      assert.deepStrictEqual(ran, [])
      assert.strictEqual(outputOf(request.input), "Tool call blocked by PreToolUse hook: no. Tool: probe")
      assert.strictEqual(completed.run.status, "blocked")
      const [input = "", ...environment] = log().split("\n")
      const seen: unknown = JSON.parse(input)
      assert.deepInclude(seen, { hook_event_name: "PreToolUse", tool_name: "probe", tool_use_id: "c1" })
      assert.isFalse(environment.some((variable) => variable.startsWith("PROBE_TOKEN")))
    }).pipe(Effect.scoped)
  )

  it.live("are ended by their time limit, and the turn goes on", () =>
    Effect.gen(function* () {
      const hang = command("trap '' TERM; sleep 600 & sleep 600", { timeout: 1 })
      const { client, model, ran, start } = yield* makeHooked({ PreToolUse: [hang] })
      yield* start
      yield* model.call(["probe", "c1"])
      const completed = yield* client.notified("hook/completed")
      yield* model.reply("done")
      const { turn } = yield* client.notified("turn/completed")
      assert.deepStrictEqual(
        [completed.run.status, completed.run.entries],
        ["failed", [{ kind: "error", text: "hook timed out after 1s" }]]
      )
      assert.strictEqual(ran.length, 1)
      assert.strictEqual(turn.status, "completed")
    }).pipe(Effect.scoped)
  )

  it.live("do not run without approval, nor after a change", () =>
    Effect.gen(function* () {
      const { client, list, model, start } = yield* makeHooked({ Stop: [command("exit 2")] }, { trusted: false })
      const entry = yield* list
      assert.deepStrictEqual(
        entry?.hooks.map(({ trustStatus }) => trustStatus),
        ["untrusted"]
      )
      const [hook] = entry?.hooks ?? []
      assert.isDefined(hook)
      yield* client.request("config/batchWrite", {
        edits: [
          { keyPath: "hooks.state", value: { [hook.key]: { trusted_hash: "sha256:0" } }, mergeStrategy: "upsert" }
        ]
      })
      const modified = yield* list
      assert.deepStrictEqual(
        modified?.hooks.map(({ trustStatus }) => trustStatus),
        ["modified"]
      )
      yield* start
      yield* model.reply("done")
      const { turn } = yield* client.notified("turn/completed")
      assert.strictEqual(turn.status, "completed")
    }).pipe(Effect.scoped)
  )

  it.live("of a project count only when the user trusts it", () =>
    Effect.gen(function* () {
      const project = { Stop: [command("exit 2")] }
      const without = yield* makeHooked({}, { project, trusted: false })
      assert.deepStrictEqual((yield* without.list)?.hooks, [])
      const trusted = yield* makeHooked({}, { project, trusted: false, trustsProject: true })
      assert.deepStrictEqual(
        (yield* trusted.list)?.hooks.map(({ source, trustStatus }) => [source, trustStatus]),
        [["project", "untrusted"]]
      )
    }).pipe(Effect.scoped)
  )

  it.live("have the hash that the release computes", () =>
    Effect.gen(function* () {
      const { list } = yield* makeHooked(
        {
          PreToolUse: [
            { matcher: "Bash", hooks: [{ type: "command", command: "echo a", timeout: 5, statusMessage: "checking" }] }
          ],
          Stop: [{ matcher: "x", hooks: [{ type: "command", command: "echo c", async: true, timeout: 0 }] }]
        },
        { trusted: false }
      )
      assert.deepStrictEqual(
        (yield* list)?.hooks.map(({ currentHash }) => currentHash),
        [
          "sha256:7a2badc5185d05551f72b5f247a76bd90cfb79734e06c178e7eaa9e5c2e6d75f",
          "sha256:69e599c1cf8a0fa45e2308da0cc7cfaf33f79d06541c265dfe7683c5eec7362a"
        ]
      )
    }).pipe(Effect.scoped)
  )
})
