import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as ModelServer from "../../support/ModelServer.ts"
import { spindle } from "../../support/Programs.ts"

const timeout = 60_000

/** A folder that is removed with the scope. */
const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-flags-")))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** A run in a home with these files. */
const exec = (
  args: ReadonlyArray<string>,
  options: { readonly input?: string; readonly files?: Readonly<Record<string, string>> } = {}
) =>
  Effect.gen(function* () {
    const home = yield* folder
    for (const [name, text] of Object.entries(options.files ?? {})) Fs.writeFileSync(Path.join(home, name), text)
    const ran = yield* spindle(["exec", ...args], {
      input: options.input ?? "",
      environment: { HOME: home, SPINDLE_HOME: home }
    })
    return { home, ...ran, header: ran.stderr.split("\n", 1)[0]?.split(" · ").slice(0, 3) }
  })

const offline = ["--offline", "say: hello"]

describe("spindle exec", () => {
  it.live.each([
    { args: [], header: ["offline (offline)", "read-only", "approvals: on-request"] },
    { args: ["--full-auto"], header: ["offline (offline)", "workspace-write", "approvals: on-request"] },
    { args: ["--yolo"], header: ["offline (offline)", "danger-full-access", "approvals: never"] },
    {
      args: ["--dangerously-bypass-approvals-and-sandbox"],
      header: ["offline (offline)", "danger-full-access", "approvals: never"]
    },
    { args: ["-a", "untrusted"], header: ["offline (offline)", "read-only", "approvals: untrusted"] },
    { args: ["-p", "work"], header: ["offline (offline)", "danger-full-access", "approvals: on-request"] },
    {
      args: ["-p", "work", "-s", "workspace-write"],
      header: ["offline (offline)", "workspace-write", "approvals: on-request"]
    }
  ])(
    "sets the sandbox and the approvals with $args",
    ({ args, header }) =>
      Effect.gen(function* () {
        const files = { "work.config.toml": 'sandbox_mode = "danger-full-access"' }
        const ran = yield* exec([...args, ...offline], { files })
        assert.deepStrictEqual(
          { header: ran.header, stdout: ran.stdout, code: ran.code },
          { header, stdout: "hello\n", code: 0 }
        )
      }).pipe(Effect.scoped),
    timeout
  )

  it.live(
    "does not start with a profile that has no file",
    () =>
      Effect.gen(function* () {
        const { code, home, stderr } = yield* exec(["-p", "work", ...offline])
        assert.deepStrictEqual(
          { code, stderr },
          { code: 2, stderr: `error: There is no profile \`work\`: ${home}/work.config.toml does not exist.\n` }
        )
      }).pipe(Effect.scoped),
    timeout
  )

  it.live(
    "writes the last message to a file, and an empty file for a turn without one",
    () =>
      Effect.gen(function* () {
        const place = yield* folder
        const file = Path.join(place, "last.txt")
        yield* exec(["-o", file, ...offline])
        assert.strictEqual(Fs.readFileSync(file, "utf8"), "hello")
        const ran = yield* exec(["-o", file, "--offline", "fail: no"])
        assert.strictEqual(Fs.readFileSync(file, "utf8"), "")
        assert.include(ran.stderr, `The agent sent no message: ${file} is empty.`)
        assert.strictEqual(ran.code, 1)
      }).pipe(Effect.scoped),
    timeout
  )

  it.live(
    "colours what it writes on request, terminal or not",
    () =>
      Effect.gen(function* () {
        const always = yield* exec(["--color", "always", ...offline])
        const never = yield* exec(["--color", "never", ...offline])
        assert.include(always.stderr, "\u001b[2m")
        assert.notInclude(never.stderr, "\u001b[")
      }).pipe(Effect.scoped),
    timeout
  )

  it.live.each([
    { input: "", sent: "do it" },
    { input: " \n", sent: "do it" },
    { input: "line1\nline2\n", sent: "do it\n\n<stdin>\nline1\nline2\n</stdin>" },
    { input: "cut", sent: "do it\n\n<stdin>\ncut\n</stdin>" }
  ])(
    "appends the piped input $input to the prompt",
    ({ input, sent }) =>
      Effect.gen(function* () {
        const server = yield* ModelServer.ModelServer
        const files = {
          "config.toml": `model_provider = "mock"\n[model_providers.mock]\nname = "mock"\nbase_url = "${server.url}"\n`
        }
        const running = yield* Effect.forkChild(exec(["do it"], { input, files }))
        const asked = yield* server.next
        yield* asked.send(ModelServer.created, ModelServer.done("done"), ModelServer.completed)
        yield* asked.end
        const ran = yield* Fiber.join(running)
        assert.deepStrictEqual({ code: ran.code, stdout: ran.stdout }, { code: 0, stdout: "done\n" })
        const { input: items } = JSON.parse(asked.body)
        assert.deepStrictEqual(items.at(-1).content, [{ type: "input_text", text: sent }])
      }).pipe(Effect.provide(ModelServer.layer), Effect.scoped),
    timeout
  )
})
