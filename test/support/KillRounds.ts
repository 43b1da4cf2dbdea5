/**
 * Kills a server with SIGKILL at random moments of running turns, starts it again on the same home, and checks that it still
 * has everything that its client was told.
 *
 * Moments are numbers of received messages, not times: a round ends when the server has sent that many.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { type Json, json, LineServer } from "./LineServer.ts"

/** A model that streams slowly: each answer is many deltas with a pause between them. */
const startModel = async (): Promise<Http.Server> => {
  let count = 0
  const server = Http.createServer((request, response) => {
    request.resume()
    const id = `msg_${++count}`
    const words = Array.from({ length: 1 + (count % 9) }, (_, index) => `word${index} `)
    const item = (text: string) => ({
      type: "message",
      role: "assistant",
      id,
      content: [{ type: "output_text", text }]
    })
    const events: Array<Json> = [
      { type: "response.created", response: { id: `resp_${count}` } },
      { type: "response.output_item.added", output_index: 0, item: { ...item(""), content: [] } },
      ...words.map((delta) => ({
        type: "response.output_text.delta",
        item_id: id,
        output_index: 0,
        content_index: 0,
        delta
      })),
      { type: "response.output_item.done", output_index: 0, item: item(words.join("")) },
      {
        type: "response.completed",
        response: { id: `resp_${count}`, usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } }
      }
    ]
    response.writeHead(200, { "content-type": "text/event-stream" })
    const next = () => {
      const event = events.shift()
      if (event === undefined) return void response.end()
      response.write(`event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`)
      setTimeout(next, count % 3)
    }
    next()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return server
}

/** What the client was told about a turn. */
interface Promised {
  readonly items: Map<string, string>
  status: string | undefined
}

/** What the client was told, by thread and turn. */
type Told = Map<string, Map<string, Promised>>

const note = (told: Told, message: Json): void => {
  const params = json(message["params"])
  const turns = told.get(String(params["threadId"]))
  if (turns === undefined) return
  if (message["method"] === "item/completed") {
    const item = json(params["item"])
    const turn = turns.get(String(params["turnId"])) ?? { items: new Map(), status: undefined }
    turn.items.set(String(item["id"]), String(item["text"] ?? ""))
    turns.set(String(params["turnId"]), turn)
  }
  if (message["method"] === "turn/completed") {
    const turn = json(params["turn"])
    const known = turns.get(String(turn["id"])) ?? { items: new Map(), status: undefined }
    known.status = String(turn["status"])
    turns.set(String(turn["id"]), known)
  }
}

/** The key of what a client has sent and got an answer for. */
const Texts = "texts"

/** The texts that are not exactly once in a turn or in the queue. */
const misplaced = (sent: Promised | undefined, thread: Json, queue: unknown): ReadonlyArray<string> => {
  const contents = [
    ...(thread["turns"] as ReadonlyArray<unknown>).flatMap((turn) =>
      (json(turn)["items"] as ReadonlyArray<unknown>).map((item) => json(item)["content"])
    ),
    ...(queue as ReadonlyArray<unknown>).map((submission) => json(submission)["input"])
  ]
  const texts = contents.flatMap((content) =>
    Array.isArray(content) ? content.map((part) => String(json(part)["text"])) : []
  )
  return Array.from(sent?.items.keys() ?? []).flatMap((text) => {
    const count = texts.filter((one) => one === text).length
    return count === 1 ? [] : [`${text} is there ${count} times`]
  })
}

/** What is missing of what was told; empty when nothing is. */
const missing = (threadId: string, promised: ReadonlyMap<string, Promised>, thread: Json): ReadonlyArray<string> => {
  const turns = Array.isArray(thread["turns"]) ? thread["turns"].map(json) : []
  const ids = turns.map((turn) => String(turn["id"]))
  const faults = ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `turn ${id} twice`)
  for (const [id, { items, status }] of promised) {
    if (id === Texts) continue
    const turn = turns[ids.indexOf(id)]
    if (turn === undefined) {
      faults.push(`turn ${id} (${status ?? "running"})`)
      continue
    }
    const found = new Map((turn["items"] as ReadonlyArray<Json>).map((item) => [String(item["id"]), item]))
    for (const [item, text] of items) {
      if (String(found.get(item)?.["text"] ?? "") !== text) faults.push(`item ${item} of turn ${id}`)
    }
    const expected = status === undefined ? ["interrupted", "completed"] : [status]
    if (!expected.includes(String(turn["status"])))
      faults.push(`turn ${id} is ${String(turn["status"])}, was ${status}`)
  }
  return faults.map((fault) => `${threadId}: ${fault}`)
}

/** A pseudo-random number below a limit, so that a failing run can be repeated. */
const randomFrom = (seed: number) => {
  let state = seed
  return (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % limit
  }
}

const Threads = 3

/** Number of messages that were sent. Each has its own text. */
let messages = 0

const input = (text: string) => [{ type: "text", text }]

/** Runs turns in every thread until the server has sent a number of messages; then kills it. */
const untilKilled = async (server: LineServer, told: Told, moment: number): Promise<void> => {
  const moments = { isOver: false }
  const over = new Promise<void>((resolve, reject) => {
    void server.exited.then(() => reject(new Error("the server exited")))
    server.onMessage = (message) => {
      if (moments.isOver) return
      note(told, message)
      if (server.received < moment) return
      moments.isOver = true
      resolve()
    }
  })
  const drive = async (threadId: string, turns: Map<string, Promised>): Promise<void> => {
    const texts = turns.get(Texts) ?? { items: new Map(), status: undefined }
    turns.set(Texts, texts)
    const send = async (method: string, params: object) => {
      const text = `message ${++messages}`
      const result = await server.result(method, { threadId, input: input(text), ...params })
      if (!moments.isOver) texts.items.set(text, "")
      return result
    }
    for (let count = 0; !moments.isOver; count++) {
      const { turn } = await send("turn/start", {})
      if (count % 2 === 1) await send("thread/queue/add", { clientUserMessageId: String(count) })
      if (count % 3 === 2) await send("turn/start", {})
      const id = String(json(turn)["id"])
      if (!moments.isOver && !turns.has(id)) turns.set(id, { items: new Map(), status: undefined })
      while (!moments.isOver && turns.get(id)?.status === undefined)
        await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const driven = Array.from(told, ([threadId, turns]) => drive(threadId, turns))
  await Promise.race([over, Promise.all(driven).then(() => over)])
  await server.kill()
}

export interface KillRounds {
  readonly rounds: number
  readonly command: ReadonlyArray<string>
  readonly seed: number
}

/** Returns what was lost over all rounds. */
export const run = async ({ command, rounds, seed }: KillRounds): Promise<ReadonlyArray<string>> => {
  const random = randomFrom(seed)
  const model = await startModel()
  const home = Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-kill-"))
  const { port } = model.address() as AddressInfo
  Fs.writeFileSync(
    Path.join(home, "config.toml"),
    `model = "m"\nmodel_provider = "mock"\n[model_providers.mock]\nname = "mock"\nbase_url = "http://127.0.0.1:${port}/v1"\nenv_key = "MOCK_KEY"\n`
  )
  let told: Told = new Map()
  const faults: Array<string> = []
  let server: LineServer | undefined
  try {
    for (let round = 0; round <= rounds; round++) {
      server = new LineServer(command, home)
      const capabilities = { experimentalApi: true }
      await server.result("initialize", { clientInfo: { name: "kill", version: "1" }, capabilities })
      for (const [threadId, promised] of told) {
        const answer = await server.request("thread/resume", { threadId })
        const found = json(json(answer["result"])["thread"])
        const queue = json(json(await server.request("thread/queue/list", { threadId }))["result"])["data"]
        const lost = [...missing(threadId, promised, found), ...misplaced(promised.get(Texts), found, queue ?? [])]
        faults.push(...lost.map((fault) => `round ${round}: ${fault}`))
      }
      if (round === rounds) break
      // Old threads would make each round slower.
      if (round % 10 === 0) told = new Map()
      while (told.size < Threads) {
        const { thread } = await server.result("thread/start", {})
        told.set(String(json(thread)["id"]), new Map())
      }
      await untilKilled(server, told, server.received + 5 + random(120))
      // A thread without a turn has no file.
      for (const [threadId, promised] of told) if (promised.size === 1) told.delete(threadId)
    }
    return faults
  } finally {
    await server?.kill()
    model.close()
    model.closeAllConnections()
    Fs.rmSync(home, { recursive: true, force: true })
  }
}
