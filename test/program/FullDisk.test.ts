import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { type Json, json, LineServer } from "../support/LineServer.ts"
import * as ModelServer from "../support/ModelServer.ts"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const program = [process.execPath, "--conditions=spindle-source", main, "app-server"]

const config = (url: string) =>
  `model = "m"\nmodel_provider = "mock"\n[model_providers.mock]\nname = "mock"\nbase_url = "${url}"\nenv_key = "MOCK_KEY"\n`

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-full-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** Where a server has no room for more. */
interface Place {
  /** As the server sees it. */
  readonly home: string
  /** As this process sees it. */
  readonly seen: string
  readonly command: ReadonlyArray<string>
  /** The command of a server with room. */
  readonly roomy: ReadonlyArray<string>
  /** Makes room for a running server. */
  readonly makeRoom: (server: LineServer) => void
}

const run = (command: string, ...args: ReadonlyArray<string>): void => {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" })
  if (status !== 0) throw new Error(`${command}: ${stderr}`)
}

const hasNamespaces = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0
const hasLimits = spawnSync("prlimit", ["--version"]).status === 0

/** A file system of 64 KiB, in a mount namespace of its own. */
const smallDisk = Effect.gen(function* () {
  const home = yield* folder
  const script = `mount -t tmpfs -o size=64k tmpfs "${home}" && echo mounted && exec sleep 1000`
  const holder = yield* Effect.acquireRelease(
    Effect.sync(() => spawn("unshare", ["-m", "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] })),
    (child: ChildProcess) => Effect.sync(() => child.kill("SIGKILL"))
  )
  yield* Effect.promise(() => new Promise((resolve) => holder.stdout?.once("data", resolve)))
  const enter = ["-t", String(holder.pid), "-m"]
  return {
    home,
    seen: Path.join("/proc", String(holder.pid), "root", home),
    command: ["nsenter", ...enter, ...program],
    roomy: ["nsenter", ...enter, ...program],
    makeRoom: () => run("nsenter", ...enter, "mount", "-o", "remount,size=64m", home)
  } satisfies Place
})

/** A process that may not make a file longer than 32 KiB. */
const shortFiles = Effect.map(folder, (home) => ({
  home,
  seen: home,
  command: ["bash", "-c", 'ulimit -S -f 32; exec "$@"', "limited", ...program],
  roomy: program,
  makeRoom: ({ pid }) => run("prlimit", "--pid", String(pid), "--fsize=unlimited")
})) satisfies Effect.Effect<Place, never, Scope.Scope>

/** What a client was told of the turns of a thread before the server announced that it cannot store. */
interface Told {
  readonly items: Map<string, unknown>
  readonly turns: Map<string, unknown>
}

const initialized = Effect.fnUntraced(function* ({ command, home }: Pick<Place, "command" | "home">) {
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => new LineServer(command, home)),
    (server) => Effect.promise(() => server.kill())
  )
  const messages: Array<Json> = []
  server.onMessage = (message) => void messages.push(message)
  yield* Effect.promise(() => server.result("initialize", { clientInfo: { name: "full", version: "1" } }))
  /** The parameters of a thread's notifications with a method. */
  const about = (threadId: string, method: string) =>
    messages.filter((one) => one["method"] === method && json(one["params"])["threadId"] === threadId)
  const startThread = Effect.promise(async () => {
    const { thread } = await server.result("thread/start", { cwd: home })
    return String(json(thread)["id"])
  })
  const request = (method: string, params: unknown) => Effect.promise(() => server.request(method, params))
  /** Runs a turn to its end. Undefined when it is refused. */
  const turn = Effect.fnUntraced(function* (threadId: string, answer: string) {
    const ended = server.next(
      (one) => one["method"] === "turn/completed" && json(one["params"])["threadId"] === threadId
    )
    const input = [{ type: "text", text: "x".repeat(100) }]
    const { error } = yield* request("turn/start", { threadId, input })
    if (error !== undefined) return json(error)
    const asked = yield* (yield* ModelServer.ModelServer).next
    yield* asked.send(ModelServer.created, ModelServer.opened, ModelServer.done(answer), ModelServer.completed)
    yield* asked.end
    return json(json((yield* Effect.promise(() => ended))["params"])["turn"])
  })
  const told = (threadId: string): Told => ({
    items: new Map(
      about(threadId, "item/completed").map(({ params }) => {
        const item = json(json(params)["item"])
        return [String(item["id"]), [item["type"], item["text"]]]
      })
    ),
    turns: new Map(
      about(threadId, "turn/completed").map(({ params }) => {
        const turn = json(json(params)["turn"])
        return [String(turn["id"]), turn["status"]]
      })
    )
  })
  return { server, request, startThread, turn, told, about }
})

/** What a server has of a thread. */
const kept = (thread: Json): Told => {
  const turns = (thread["turns"] as ReadonlyArray<unknown>).map(json)
  const items = turns.flatMap((turn) => (turn["items"] as ReadonlyArray<unknown>).map(json))
  return {
    items: new Map(items.map((item) => [String(item["id"]), [item["type"], item["text"]]])),
    turns: new Map(turns.map((turn) => [String(turn["id"]), turn["status"]]))
  }
}

/** The lines of the rollout files that are not JSON. */
const brokenLines = (home: string): ReadonlyArray<string> =>
  Fs.readdirSync(Path.join(home, "sessions"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".jsonl"))
    .flatMap((path) =>
      Fs.readFileSync(Path.join(home, "sessions", path), "utf8")
        .split("\n")
        .slice(0, -1)
    )
    .filter((line) => {
      try {
        JSON.parse(line)
        return false
      } catch {
        return true
      }
    })

const storeFailure = (operation: string) => ({ code: -32603, message: `thread store failed to ${operation}` })

const check = Effect.fnUntraced(function* (place: Place) {
  const { url } = yield* ModelServer.ModelServer
  Fs.writeFileSync(Path.join(place.seen, "config.toml"), config(url))
  const first = yield* initialized(place)
  const [large, small] = [yield* first.startThread, yield* first.startThread]
  assert.strictEqual((yield* first.turn(small, "hi"))["status"], "completed")
  let last: Json = {}
  for (let count = 0; count < 40 && last["status"] !== "failed"; count++) {
    last = yield* first.turn(large, "y".repeat(3000))
  }
  assert.strictEqual(last["status"], "failed")
  assert.strictEqual(json(last["error"])["message"], storeFailure("append").message)
  assert.strictEqual(first.about(large, "warning").length, 1)
  assert.deepStrictEqual(yield* first.turn(large, "no"), storeFailure("append"))
  assert.deepStrictEqual(brokenLines(place.seen), [])
  place.makeRoom(first.server)
  assert.strictEqual((yield* first.turn(large, "again"))["status"], "completed")
  assert.strictEqual((yield* first.turn(small, "again"))["status"], "completed")
  assert.strictEqual(first.about(large, "warning").length, 1)
  yield* Effect.promise(() => first.server.kill())
  assert.deepStrictEqual(brokenLines(place.seen), [])

  const second = yield* initialized({ ...place, command: place.roomy })
  for (const threadId of [large, small]) {
    const { result } = yield* second.request("thread/resume", { threadId })
    assert.deepStrictEqual(kept(json(json(result)["thread"])), first.told(threadId))
  }
})

describe("a server without room for more", () => {
  it.live.skipIf(!hasNamespaces)(
    "on a full disk fails the turn, and has everything when there is room again",
    () => Effect.flatMap(smallDisk, check).pipe(Effect.scoped, Effect.provide(ModelServer.layer)),
    60_000
  )

  it.live.skipIf(!hasLimits)(
    "in its largest file fails the turn, and has everything when there is room again",
    () => Effect.flatMap(shortFiles, check).pipe(Effect.scoped, Effect.provide(ModelServer.layer)),
    60_000
  )
})

/** Runs the program as a user who may not write to files of others. */
const asNobody: ReadonlyArray<string> =
  process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...program] : program

const filesIn = (home: string) => Fs.readdirSync(home, { recursive: true, encoding: "utf8" }).toSorted()

describe("a server whose home is read-only", () => {
  it.live(
    "answers with the error of the store where it cannot write, and reads what is there",
    () =>
      Effect.gen(function* () {
        const { url } = yield* ModelServer.ModelServer
        const home = yield* folder
        Fs.writeFileSync(Path.join(home, "config.toml"), config(url))
        const before = yield* initialized({ home, command: program })
        const stored = yield* before.startThread
        yield* before.turn(stored, "hi")
        yield* Effect.promise(() => before.server.stop())
        const told = before.told(stored)
        for (const path of ["", ...filesIn(home)]) {
          const full = Path.join(home, path)
          // Files of others can be read here, and folders of others can be listed.
          Fs.chmodSync(full, Fs.statSync(full).isDirectory() ? 0o555 : 0o444)
        }
        const files = filesIn(home)

        const { about, request, server, startThread } = yield* initialized({ home, command: asNobody })
        const { result } = yield* request("thread/read", { threadId: stored, includeTurns: true })
        assert.deepStrictEqual(kept(json(json(result)["thread"])), told)
        const { data } = json((yield* request("thread/list", {}))["result"])
        assert.deepStrictEqual(
          (data as ReadonlyArray<Json>).map(({ id }) => id),
          [stored]
        )
        const refusals = yield* Effect.forEach(
          [
            request("thread/resume", { threadId: stored }),
            request("thread/name/set", { threadId: stored, name: "n" }),
            request("thread/archive", { threadId: stored }),
            request("thread/delete", { threadId: stored }),
            request("thread/fork", { threadId: stored })
          ],
          Effect.map(({ error }) => error)
        )
        assert.deepStrictEqual(refusals, ["claim", "append", "append", "delete", "fork"].map(storeFailure))
        const threadId = yield* startThread
        const ended = server.next(({ method }) => method === "turn/completed")
        const start = { threadId, input: [{ type: "text", text: "lost" }] }
        assert.property(yield* request("turn/start", start), "result")
        const { error, status } = json(json((yield* Effect.promise(() => ended))["params"])["turn"])
        assert.deepStrictEqual([status, json(error)["message"]], ["failed", storeFailure("append").message])
        assert.strictEqual(about(threadId, "warning").length, 1)
        assert.deepStrictEqual((yield* request("turn/start", start))["error"], storeFailure("append"))
        assert.deepStrictEqual(filesIn(home), files)
        yield* Effect.promise(() => server.stop())
      }).pipe(Effect.scoped, Effect.provide(ModelServer.layer)),
    60_000
  )
})
