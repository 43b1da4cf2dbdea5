import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { spawn } from "node:child_process"
import * as Lock from "../../../src/layers/stores/rollouts/Lock.ts"
import { created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import { home, open } from "./Homes.ts"

const id = "0198c0de-0000-7000-8000-000000000001"
const at = 1_700_000_000_000

/** A server's store on a home. */
/** A process that holds the lock of the thread until it is killed. */
const holder = (home: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof spawn>>((resume) => {
      Fs.mkdirSync(Path.join(home, "thread-writer-locks"), { recursive: true })
      const lock = Path.join(home, "thread-writer-locks", `${id}.lock`)
      const child = spawn("flock", ["-x", lock, "sh", "-c", "echo locked; exec cat"], {
        stdio: ["pipe", "pipe", "inherit"]
      })
      child.stdout.once("data", () => resume(Effect.succeed(child)))
    }),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )

const locks = (home: string) => Fs.readdirSync(Path.join(home, "thread-writer-locks")).toSorted()

const first = [created(id), ...turnEvents("u", at, "hello", "hi")]

describe("the lock of a thread", () => {
  it.effect("has one holder among the servers of a home, until it is freed", () =>
    Effect.gen(function* () {
      const path = yield* home
      const [one, two] = [yield* open(path), yield* open(path)]
      yield* one.append(id, 0, first)
      const release = yield* one.claim?.(id, false) ?? Effect.die("no claim")
      assert.deepStrictEqual(locks(path), [".coordination.lock", `${id}.lock`])
      const claim = two.claim?.(id, false) ?? Effect.die("no claim")
      for (const refused of [claim, two.append(id, first.length, turnEvents("v", at, "a", "b")), two.delete(id)]) {
        const error = yield* Effect.flip(
          refused as Effect.Effect<unknown, { readonly reason: string; readonly message: string }>
        )
        assert.deepStrictEqual([error.reason, error.message], ["locked", `thread ${id} already has an active writer`])
      }
      assert.strictEqual((yield* two.read(id, { from: 0, limit: 100 })).length, first.length)
      yield* release
      assert.deepStrictEqual(locks(path), [".coordination.lock"])
      yield* yield* claim
    })
  )

  it.effect("does not prevent a name, which becomes an event for the next writer", () =>
    Effect.gen(function* () {
      const path = yield* home
      const [one, two] = [yield* open(path), yield* open(path)]
      yield* one.append(id, 0, first)
      const release = yield* one.claim?.(id, false) ?? Effect.die("no claim")
      yield* two.append(id, first.length, [{ _tag: "NameSet", at, name: "Given" }])
      assert.strictEqual((yield* two.summary(id))?.name, "Given")
      yield* one.append(id, first.length, turnEvents("v", at, "more", "no"))
      yield* release
      const events = yield* two.read(id, { from: first.length, limit: 10 })
      assert.deepStrictEqual(
        events.map(({ event }) => event._tag),
        ["TurnStarted", "ItemCompleted", "ConversationEntry", "ItemCompleted", "TokensCounted", "TurnEnded", "NameSet"]
      )
      yield* yield* one.claim?.(id, false) ?? Effect.die("no claim")
      assert.deepStrictEqual(yield* two.read(id, { from: first.length, limit: 10 }), events)
    })
  )

  it.live("is that of flock(2), and free when its process is killed", () =>
    Effect.gen(function* () {
      const path = yield* home
      const store = yield* open(path)
      yield* store.append(id, 0, first)
      const child = yield* holder(path)
      const claim = store.claim?.(id, false) ?? Effect.die("no claim")
      assert.strictEqual((yield* Effect.flip(claim)).reason, "locked")
      yield* Effect.callback<void>((resume) => {
        child.once("close", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
      yield* yield* claim
    })
  )

  it.effect("is taken for a new thread too, before it has a file", () =>
    Effect.gen(function* () {
      const path = yield* home
      const store = yield* open(path)
      const release = yield* store.claim?.(id, true) ?? Effect.die("no claim")
      yield* store.append(id, 0, [created(id)])
      assert.isFalse(Fs.existsSync(Path.join(path, "sessions")))
      yield* store.append(id, 1, turnEvents("u", at, "hello", "hi"))
      assert.deepStrictEqual(locks(path), [".coordination.lock", `${id}.lock`])
      yield* release
      assert.deepStrictEqual(locks(path), [".coordination.lock"])
    })
  )

  it.effect("is needed for the threads of others, and without flock they are read-only", () =>
    Effect.gen(function* () {
      const path = yield* home
      const missing = Effect.fail(new Lock.CannotLock(new Error("no koffi")))
      const { acquire } = yield* Lock.make(path, missing)
      assert.include((yield* Effect.flip(acquire(id))).message, "read-only: install the optional dependency koffi")
    })
  )

  it.effect("is refused in a folder that is a link", () =>
    Effect.gen(function* () {
      const [path, elsewhere] = [yield* home, yield* home]
      Fs.symlinkSync(elsewhere, Path.join(path, "thread-writer-locks"))
      const { acquire } = yield* Lock.make(path)
      assert.include((yield* Effect.flip(acquire(id))).message, "links are not followed")
      assert.deepStrictEqual(Fs.readdirSync(elsewhere), [])
    })
  )
})
