import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { type Ran, spindle } from "../../support/Programs.ts"

const timeout = 60_000

/** A home, and two working folders. */
const places = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  const made = yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-resume-" })
  const root = yield* fileSystem.realPath(made)
  for (const name of ["home", "a", "b"]) yield* fileSystem.makeDirectory(`${root}/${name}`)
  return { home: `${root}/home`, a: `${root}/a`, b: `${root}/b` }
})

type Places = Effect.Success<typeof places>

const exec = ({ home }: Places, ...args: ReadonlyArray<string>) =>
  spindle(["exec", "--offline", "--json", ...args], { environment: { SPINDLE_HOME: home } })

const started = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ type: Schema.Literal("thread.started"), thread_id: Schema.String }))
)

/** The thread of a run that went well. */
const threadOf = (ran: Ran): string => {
  assert.strictEqual(ran.code, 0, ran.stderr)
  return started(ran.stdout.split("\n", 1)[0]).thread_id
}

const test = (name: string, run: (at: Places) => Effect.Effect<void>) =>
  it.live(name, () => Effect.flatMap(places, run).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), timeout)

const failing = (ran: Ran, message: string) =>
  assert.deepStrictEqual(ran, { code: 1, stdout: "", stderr: `error: ${message}\n` })

describe("exec resume", () => {
  test("finds a thread by its id in every folder, and the last one in its own", (at) =>
    Effect.gen(function* () {
      const first = threadOf(yield* exec(at, "-C", at.a, "say: first"))
      const second = threadOf(yield* exec(at, "-C", at.b, "say: second"))
      assert.strictEqual(threadOf(yield* exec(at, "resume", first, "say: by id")), first)
      assert.strictEqual(threadOf(yield* exec(at, "-C", at.b, "resume", "--last", "say: last")), second)
      assert.strictEqual(threadOf(yield* exec(at, "-C", at.a, "resume", "--last", "say: last")), first)
      // The first one changed last.
      assert.strictEqual(threadOf(yield* exec(at, "-C", at.b, "resume", "--last", "--all", "say: last")), first)
    }))

  test("finds the folder also by another path", (at) =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      yield* Effect.orDie(fileSystem.symlink(at.a, `${at.b}/link`))
      const first = threadOf(yield* exec(at, "-C", at.a, "say: first"))
      assert.strictEqual(threadOf(yield* exec(at, "-C", `${at.b}/link`, "resume", "--last", "say: last")), first)
    }).pipe(Effect.provide(NodeServices.layer)))

  test("ends with an error when there is no such thread", (at) =>
    Effect.gen(function* () {
      const id = "01a1fb80-d002-7f01-86cf-4b9a743431db"
      failing(
        yield* exec(at, "resume", "--last", "x"),
        "There is no thread to continue of this folder; --all looks in every folder."
      )
      failing(yield* exec(at, "resume", "--last", "--all", "x"), "There is no thread to continue.")
      failing(yield* exec(at, "resume", id, "x"), `no rollout found for thread id ${id}`)
      failing(
        yield* exec(at, "resume", "no\u001b[2J-such", "x"),
        "There is no thread with the id or the name `no-such` of this folder; --all looks in every folder."
      )
    }))

  test("reports that a store in memory has lost its threads", (at) =>
    Effect.gen(function* () {
      const memory = ["-c", "spindle.store=memory"]
      const lost = "Threads are kept in memory here: they end with the process that started them."
      const first = threadOf(yield* exec(at, ...memory, "-C", at.a, "say: first"))
      failing(yield* exec(at, ...memory, "resume", first, "x"), `no rollout found for thread id ${first}\n${lost}`)
      failing(yield* exec(at, ...memory, "resume", "--last", "--all", "x"), `There is no thread to continue.\n${lost}`)
    }))

  it.live.each([
    [["resume"], "No thread: pass its id or its name, or --last."],
    [["resume", "--last", "id", "x"], "--last cannot be used with the id or the name of a thread"],
    [["resume", "--last"], "No prompt: stdin is empty."],
    [["--ephemeral", "resume", "--last", "x"], "--ephemeral cannot be used with resume: a stored thread stays stored"]
  ] as const)(
    "refuses the command line %j",
    ([args, message]) =>
      Effect.gen(function* () {
        const ran = yield* spindle(["exec", "--offline", ...args])
        assert.deepStrictEqual(ran, { code: 2, stdout: "", stderr: `error: ${message}\n` })
      }),
    timeout
  )

  it.live(
    "reports that `exec review` of the release is not supported, instead of sending it as a prompt",
    () =>
      Effect.gen(function* () {
        const { code, stderr, stdout } = yield* spindle(["exec", "--offline", "review"])
        assert.deepStrictEqual(
          [code, stdout, stderr.startsWith("error: exec review is not supported: ")],
          [2, "", true]
        )
      }),
    timeout
  )

  it.live.each([
    "--approve-for-me",
    "--dangerously-bypass-hook-trust",
    "--ignore-rules",
    "--ignore-user-config",
    "--strict-config",
    "--trust",
    "--worktree"
  ])(
    "reports that the flag %s of the release is not supported",
    (flag) =>
      Effect.gen(function* () {
        const { code, stderr, stdout } = yield* spindle(["exec", "--offline", flag, "say: hi"])
        assert.deepStrictEqual([code, stdout, stderr.startsWith(`error: ${flag} is not supported: `)], [2, "", true])
      }),
    timeout
  )
})
