/**
 * A home that this program and the released server share: threads of the one are read, locked and continued by the other.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { homedir } from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import * as Zlib from "node:zlib"
import { type Json, json, LineServer } from "../support/LineServer.ts"
import * as Release from "./Release.ts"

const ours = [process.execPath, fileURLToPath(new URL("../../dist/main.js", import.meta.url)), "app-server"]

const list = (value: unknown): ReadonlyArray<Json> => (Array.isArray(value) ? value.map(json) : [])

/** The texts of the conversation that a model request has, without the server's own context. */
const conversationIn = (body: Json): ReadonlyArray<string> =>
  list(body["input"])
    .filter(({ role, type }) => type === "message" && role !== "developer")
    .map(({ content }) =>
      list(content)
        .map(({ text }) => String(text))
        .join("")
    )
    .filter((text) => !text.startsWith("<"))

/** A model that answers `re: <the last message>`. */
const startModel = async (requests: Array<Json>): Promise<Http.Server> => {
  const server = Http.createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      if (!String(request.url).includes("/responses")) return void response.writeHead(404).end()
      const body = json(JSON.parse(Buffer.concat(chunks).toString()))
      requests.push(body)
      const text = `re: ${conversationIn(body).at(-1)}`
      const id = `msg_${requests.length}`
      const events = [
        { type: "response.created", response: { id: "r" } },
        {
          type: "response.output_item.done",
          item: { type: "message", role: "assistant", id, content: [{ type: "output_text", text }] }
        },
        {
          type: "response.completed",
          response: { id: "r", usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } }
        }
      ]
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return server
}

/** A home outside the temporary folder, where the released server works differently. */
const makeHome = (port: number): string => {
  const below = Path.join(homedir(), ".cache", "spindle-test")
  Fs.mkdirSync(below, { recursive: true })
  const home = Fs.mkdtempSync(Path.join(below, "interop-"))
  Fs.writeFileSync(
    Path.join(home, "config.toml"),
    `model = "gpt-5.5"\nmodel_provider = "mock"\napproval_policy = "never"\nsandbox_mode = "danger-full-access"\n[model_providers.mock]\nname = "mock"\nbase_url = "http://127.0.0.1:${port}/v1"\nenv_key = "MOCK_KEY"\n`
  )
  return home
}

const start = async (command: ReadonlyArray<string>, home: string): Promise<LineServer> => {
  const server = new LineServer(command, home)
  await server.result("initialize", {
    clientInfo: { name: "interop", version: "1" },
    capabilities: { experimentalApi: true }
  })
  server.notify("initialized")
  return server
}

const newThread = async (server: LineServer): Promise<string> =>
  String(json((await server.result("thread/start", {}))["thread"])["id"])

const turn = async (server: LineServer, threadId: string, text: string): Promise<void> => {
  const ended = server.next(
    ({ method, params }) => method === "turn/completed" && json(params)["threadId"] === threadId
  )
  await server.result("turn/start", { threadId, input: [{ type: "text", text }] })
  assert.strictEqual(json(json((await ended)["params"])["turn"])["status"], "completed")
}

/** The messages of a thread as a server shows them. */
const shown = (thread: unknown): ReadonlyArray<string> =>
  list(json(thread)["turns"]).map(({ items }) =>
    list(items)
      .map(({ content, text }) => String(text ?? list(content)[0]?.["text"]))
      .join(" | ")
  )

const resumed = async (server: LineServer, threadId: string): Promise<ReadonlyArray<string>> =>
  shown((await server.result("thread/resume", { threadId }))["thread"])

const readBy = async (server: LineServer, threadId: string): Promise<ReadonlyArray<string>> =>
  shown((await server.result("thread/read", { threadId, includeTurns: true }))["thread"])

const previews = async (server: LineServer): Promise<ReadonlyArray<unknown>> =>
  list((await server.result("thread/list", {}))["data"]).map(({ preview }) => preview)

const refusal = async (server: LineServer, threadId: string): Promise<unknown> =>
  (await server.request("thread/resume", { threadId }))["error"]

const busy = (threadId: string) => ({ code: -32600, message: `thread ${threadId} already has an active writer` })

interface Shared {
  readonly home: string
  readonly requests: Array<Json>
  readonly release: ReadonlyArray<string>
}

const shared = (use: (shared: Shared) => Promise<void>) =>
  Effect.promise(async () => {
    const requests: Array<Json> = []
    const model = await startModel(requests)
    const home = makeHome((model.address() as AddressInfo).port)
    try {
      await use({ home, requests, release: [Release.binary(), "app-server"] })
    } finally {
      model.close()
      model.closeAllConnections()
      Fs.rmSync(home, { recursive: true, force: true })
    }
  })

/** Compresses the file of a thread, as the release does with old ones. */
const compress = (home: string, threadId: string): void => {
  const files = Fs.readdirSync(home, { recursive: true, encoding: "utf8" })
  const plain = Path.join(home, files.find((path) => path.endsWith(`-${threadId}.jsonl`)) ?? "")
  Fs.writeFileSync(`${plain}.zst`, Zlib.zstdCompressSync(Fs.readFileSync(plain)))
  Fs.rmSync(plain)
}

const lastSeen = (requests: ReadonlyArray<Json>) => conversationIn(requests.at(-1) ?? {})

describe("a home that the released server shares", () => {
  it.live("has our threads for the release: listed, locked, resumed, continued, and back again", () =>
    shared(async ({ home, release, requests }) => {
      const us = await start(ours, home)
      const id = await newThread(us)
      await turn(us, id, "one")
      const them = await start(release, home)
      assert.deepStrictEqual(await previews(them), ["one"])
      assert.deepStrictEqual(await refusal(them, id), busy(id))
      await us.stop()
      assert.deepStrictEqual(await resumed(them, id), ["one | re: one"])
      await turn(them, id, "two")
      assert.deepStrictEqual(lastSeen(requests), ["one", "re: one", "two"])
      const again = await start(ours, home)
      assert.deepStrictEqual(await refusal(again, id), busy(id))
      assert.deepStrictEqual(await readBy(again, id), ["one | re: one", "two | re: two"])
      await them.stop()
      assert.deepStrictEqual(await resumed(again, id), ["one | re: one", "two | re: two"])
      await turn(again, id, "three")
      assert.deepStrictEqual(lastSeen(requests), ["one", "re: one", "two", "re: two", "three"])
      await again.stop()
    })
  )

  it.live("has the release's threads, forks and reverts for us", () =>
    shared(async ({ home, release, requests }) => {
      const them = await start(release, home)
      const id = await newThread(them)
      for (const text of ["a", "b", "c"]) await turn(them, id, text)
      const fork = String(json((await them.result("thread/fork", { threadId: id }))["thread"])["id"])
      await turn(them, fork, "in fork")
      for (const [kept, text] of [
        [2, "d"],
        [1, "e"]
      ] as const) {
        const turns = list((await them.result("thread/turns/list", { threadId: id, sortDirection: "asc" }))["data"])
        await them.result("thread/revert", { threadId: id, beforeTurnId: turns[kept]?.["id"] })
        await turn(them, id, text)
      }
      await them.stop()
      const us = await start(ours, home)
      assert.deepStrictEqual(await resumed(us, id), ["a | re: a", "e | re: e"])
      assert.deepStrictEqual(await resumed(us, fork), ["a | re: a", "b | re: b", "c | re: c", "in fork | re: in fork"])
      await turn(us, id, "f")
      assert.deepStrictEqual(lastSeen(requests), ["a", "re: a", "e", "re: e", "f"])
      const copy = String(json((await us.result("thread/fork", { threadId: fork }))["thread"])["id"])
      await turn(us, copy, "in copy")
      await us.stop()
      const back = await start(release, home)
      assert.deepStrictEqual((await resumed(back, id)).at(-1), "f | re: f")
      assert.deepStrictEqual((await resumed(back, copy)).at(-1), "in copy | re: in copy")
      await back.stop()
    })
  )

  it.live("has compressed threads for us, which become plain ones when they are continued", () =>
    shared(async ({ home, release }) => {
      const them = await start(release, home)
      const id = await newThread(them)
      await turn(them, id, "one")
      await them.stop()
      const find = () =>
        Fs.readdirSync(home, { recursive: true, encoding: "utf8" }).filter((path) => path.includes(`-${id}.jsonl`))
      compress(home, id)
      const us = await start(ours, home)
      assert.deepStrictEqual(await previews(us), ["one"])
      assert.deepStrictEqual(await readBy(us, id), ["one | re: one"])
      await us.result("thread/resume", { threadId: id })
      await turn(us, id, "two")
      await us.stop()
      assert.deepStrictEqual(
        find().map((path) => Path.extname(path)),
        [".jsonl"]
      )
      const back = await start(release, home)
      assert.deepStrictEqual(await resumed(back, id), ["one | re: one", "two | re: two"])
      await back.stop()
    })
  )

  it.live("has our archived, named, forked and compressed threads for the release", () =>
    shared(async ({ home, release }) => {
      const us = await start(ours, home)
      const [archived, named, packed] = [await newThread(us), await newThread(us), await newThread(us)]
      for (const [id, text] of [
        [archived, "archived"],
        [named, "named"],
        [packed, "packed"]
      ] as const) {
        await turn(us, id, text)
      }
      await us.result("thread/archive", { threadId: archived })
      await us.result("thread/name/set", { threadId: named, name: "An unusual name" })
      const fork = String(json((await us.result("thread/fork", { threadId: named }))["thread"])["id"])
      await turn(us, fork, "in fork")
      await us.stop()
      compress(home, packed)

      const them = await start(release, home)
      const ids = async (params: Json) =>
        list((await them.result("thread/list", params))["data"]).map(({ id }) => String(id))
      assert.deepStrictEqual((await ids({})).toSorted(), [named, packed, fork].toSorted())
      assert.deepStrictEqual(await ids({ archived: true }), [archived])
      // The name of a fork is that of its source.
      assert.include(await ids({ searchTerm: "unusual" }), named)
      assert.deepStrictEqual(await resumed(them, fork), ["named | re: named", "in fork | re: in fork"])
      assert.deepStrictEqual(await resumed(them, packed), ["packed | re: packed"])
      await turn(them, packed, "two")
      await them.result("thread/unarchive", { threadId: archived })
      assert.deepStrictEqual(await resumed(them, archived), ["archived | re: archived"])
      await turn(them, archived, "two")
      await them.stop()

      const again = await start(ours, home)
      assert.deepStrictEqual(await resumed(again, archived), ["archived | re: archived", "two | re: two"])
      assert.deepStrictEqual(await resumed(again, packed), ["packed | re: packed", "two | re: two"])
      const { thread } = await again.result("thread/read", { threadId: fork })
      assert.deepStrictEqual([json(thread)["forkedFromId"], json(thread)["name"]], [named, "An unusual name"])
      await again.stop()
    })
  )

  it.live("has the release's archived and named threads for us", () =>
    shared(async ({ home, release }) => {
      const them = await start(release, home)
      const [archived, named] = [await newThread(them), await newThread(them)]
      await turn(them, archived, "archived")
      await turn(them, named, "named")
      await them.result("thread/name/set", { threadId: named, name: "Their name" })
      await them.result("thread/archive", { threadId: archived })
      await them.stop()

      const us = await start(ours, home)
      const found = async (params: Json, server = us) =>
        list((await server.result("thread/list", params))["data"]).map(({ id, name }) => [id, name])
      assert.deepStrictEqual(await found({ searchTerm: "Their" }), [[named, "Their name"]])
      assert.deepStrictEqual(await found({ archived: true }), [[archived, null]])
      assert.deepStrictEqual(await readBy(us, archived), ["archived | re: archived"])
      await us.stop()
      // The release finds the file of a thread that it knows only where its own database has it.
      const back = await start(release, home)
      await back.result("thread/unarchive", { threadId: archived })
      await resumed(back, archived)
      await turn(back, archived, "two")
      await back.stop()
      const again = await start(ours, home)
      assert.deepStrictEqual(await found({ archived: true }, again), [])
      assert.deepStrictEqual(await resumed(again, archived), ["archived | re: archived", "two | re: two"])
      await again.stop()
    })
  )

  it.live("has legacy threads, which stay legacy when either program continues them", () =>
    shared(async ({ home, release, requests }) => {
      const id = "0198c0de-0000-7000-8000-000000000001"
      const file = Path.join(home, "sessions/2025/08/20", `rollout-2025-08-20T10-00-00-${id}.jsonl`)
      const timestamp = "2025-08-20T10:00:00.000Z"
      const meta = { id, timestamp, cwd: home, originator: "another", cli_version: "0.20.0", source: "cli" }
      const message = (role: string, type: string, text: string) => ({
        type: "message",
        role,
        content: [{ type, text }]
      })
      const lines = [
        ["session_meta", { ...meta, model_provider: "mock" }],
        ["response_item", message("user", "input_text", "old")],
        ["event_msg", { type: "user_message", message: "old", images: [] }],
        ["event_msg", { type: "agent_message", message: "answer" }],
        ["response_item", message("assistant", "output_text", "answer")]
      ]
      Fs.mkdirSync(Path.dirname(file), { recursive: true })
      Fs.writeFileSync(
        file,
        lines.map(([type, payload]) => `${JSON.stringify({ timestamp, type, payload })}\n`).join("")
      )
      const us = await start(ours, home)
      assert.deepStrictEqual(await previews(us), ["old"])
      assert.deepStrictEqual(await resumed(us, id), ["old | answer"])
      await turn(us, id, "ours")
      await us.stop()
      const them = await start(release, home)
      assert.deepStrictEqual(await resumed(them, id), ["old | answer", "ours | re: ours"])
      await turn(them, id, "theirs")
      assert.deepStrictEqual(lastSeen(requests), ["old", "answer", "ours", "re: ours", "theirs"])
      await them.stop()
      const again = await start(ours, home)
      assert.deepStrictEqual(await resumed(again, id), ["old | answer", "ours | re: ours", "theirs | re: theirs"])
      await again.stop()
      assert.notInclude(Fs.readFileSync(file, "utf8"), '"ordinal"')
    })
  )
})
