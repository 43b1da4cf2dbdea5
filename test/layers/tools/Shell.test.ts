import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { defaults, type ShellEnvironmentPolicy } from "../../../src/services/config/Config.ts"
import { directory, done, facts, items, opened, openedWith, pipes, shown, toolsWith } from "./TestShell.ts"
import * as TestTurn from "./TestTurn.ts"

// The test clock does not advance, so the silent window of a command never ends.
describe("a short command", () => {
  it.effect("is started and completed at once, without deltas, and returns its output", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = TestTurn.make()
      const cmd = "echo hi; echo err >&2"
      const output = yield* exec({ cmd, shell: "/bin/sh" }, turn)
      assert.deepStrictEqual(facts(output), done(0, 2, "hi\nerr\n"))
      assert.deepStrictEqual(items(turn.published), [
        { type: "started", item: shown(cmd, { processId: "#" }) },
        {
          type: "completed",
          item: shown(cmd, {
            processId: "#",
            status: "completed",
            aggregatedOutput: "hi\nerr\n",
            exitCode: 0,
            durationMs: 0
          })
        }
      ])
    })
  )

  it.effect("has a null output when it printed nothing", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = TestTurn.make()
      assert.deepStrictEqual(facts(yield* exec({ cmd: "exit 3" }, turn)), done(3, 0, ""))
      const item = yield* turn.when(TestTurn.completed)
      assert.deepStrictEqual([item.status, item.exitCode, item.aggregatedOutput], ["failed", 3, null])
    })
  )

  it.effect("reports a signal as 128 plus its number", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      assert.deepStrictEqual(facts(yield* exec({ cmd: "kill -9 $$" }, TestTurn.make())), done(137, 0, ""))
    })
  )

  it.effect("has an empty standard input, a quiet environment and the id of its thread", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const cmd = 'cat; echo "$TERM $NO_COLOR $PAGER $CODEX_THREAD_ID"'
      assert.deepStrictEqual(facts(yield* exec({ cmd }, TestTurn.make())), done(0, 5, "dumb 1 cat thread-1\n"))
    })
  )

  it.effect("gets only the part of the server's environment that the policy permits", () =>
    Effect.gen(function* () {
      const environment = {
        PATH: process.env["PATH"],
        HOME: "/home/ada",
        PLAIN: "1",
        SOME_TOKEN: "t",
        OWN_PASS: "p",
        OWN_HEADER: "h",
        NO_COLOR: "0",
        CODEX_THREAD_ID: "mine"
      }
      const { providers, shellEnvironmentPolicy } = defaults()
      const { openai } = providers
      assert(openai !== undefined)
      const own = { ...openai, envKey: "OWN_PASS", envHeaders: { "x-auth": "OWN_HEADER" } }
      const seen = (policy: Partial<ShellEnvironmentPolicy>) =>
        Effect.gen(function* () {
          const { exec } = yield* openedWith(toolsWith({ environment }), {
            providers: { own },
            shellEnvironmentPolicy: { ...shellEnvironmentPolicy, ...policy }
          })
          const turn = TestTurn.make()
          yield* exec({ cmd: "env" }, turn)
          const { aggregatedOutput } = yield* turn.when(TestTurn.completed)
          const lines = (aggregatedOutput ?? "").split("\n").filter((line) => line !== "")
          // Variables added by the shell, and the mark of the server.
          const others = new Set(["PWD", "SHLVL", "_", "SPINDLE_SERVER_ID"])
          return lines.filter((line) => !others.has(line.split("=")[0] ?? "")).sort()
        })
      const always = [
        "CODEX_CI=1",
        "CODEX_SESSION_ID=thread-1",
        "CODEX_THREAD_ID=thread-1",
        "COLORTERM=",
        "GH_PAGER=cat",
        "GIT_PAGER=cat",
        "LANG=C.UTF-8",
        "LC_ALL=C.UTF-8",
        "LC_CTYPE=C.UTF-8",
        "NO_COLOR=1",
        "PAGER=cat",
        "TERM=dumb"
      ]
      const path = `PATH=${environment.PATH}`
      assert.deepStrictEqual(yield* seen({}), [...always, path, "HOME=/home/ada", "PLAIN=1"].sort())
      assert.deepStrictEqual(
        yield* seen({ ignoreDefaultExcludes: true }),
        [...always, path, "HOME=/home/ada", "PLAIN=1", "SOME_TOKEN=t"].sort()
      )
      const set = new Map([
        ["PATH", Redacted.make(environment.PATH ?? "")],
        ["OWN_PASS", Redacted.make("set")]
      ])
      assert.deepStrictEqual(yield* seen({ inherit: "none", set }), [...always, path, "OWN_PASS=set"].sort())
    })
  )

  it.effect("reads the user's profile only if the policy requests it", () =>
    Effect.gen(function* () {
      const home = yield* directory
      Fs.writeFileSync(Path.join(home, ".profile"), "FROM_PROFILE=yes\n")
      Fs.writeFileSync(Path.join(home, ".bash_profile"), "FROM_PROFILE=yes\n")
      const layer = toolsWith({ environment: { PATH: process.env["PATH"], HOME: home }, shell: "/bin/sh" })
      const output = (useProfile: boolean, login: boolean) =>
        Effect.gen(function* () {
          const { shellEnvironmentPolicy } = defaults()
          const { exec } = yield* openedWith(layer, {
            shellEnvironmentPolicy: { ...shellEnvironmentPolicy, useProfile }
          })
          const { text } = yield* exec({ cmd: 'echo "profile: $FROM_PROFILE"', login }, TestTurn.make())
          return text.split("Output:\n")[1]
        })
      assert.strictEqual(yield* output(false, true), "profile: \n")
      assert.strictEqual(yield* output(true, false), "profile: \n")
      assert.strictEqual(yield* output(true, true), "profile: yes\n")
    })
  )

  it.effect("runs in the requested directory, relative to the turn's", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const cwd = yield* directory
      Fs.mkdirSync(Path.join(cwd, "sub"))
      const turn = TestTurn.make({ cwd: Path.join(cwd, "sub") })
      const output = yield* exec({ cmd: "pwd", workdir: ".." }, turn)
      const item = yield* turn.when(TestTurn.completed)
      assert.deepStrictEqual([output.text.split("Output:\n")[1], item.cwd], [`${cwd}\n`, cwd])
    })
  )

  it.effect("keeps a character whose bytes arrive separately, and replaces what is not UTF-8", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, release } = yield* pipes("p")
      const cmd = "printf '\\342\\202'; cat p; printf '\\254\\377\\n'"
      const fiber = yield* Effect.forkChild(exec({ cmd }, TestTurn.make({ cwd })))
      yield* release("p")
      assert.deepStrictEqual(facts(yield* Fiber.join(fiber)), done(0, 2, "€\ufffd\n"))
    })
  )

  it.effect("may print 10 MB, of which both ends are kept", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = TestTurn.make()
      yield* exec({ cmd: "head -c 10000000 /dev/zero | tr '\\0' y" }, turn)
      const item = yield* turn.when(TestTurn.completed)
      const half = "y".repeat(512 * 1024)
      assert.strictEqual(item.aggregatedOutput, `${half}\n... ${10_000_000 - 1024 * 1024} bytes omitted ...\n${half}`)
    })
  )

  it.effect("runs concurrently with others", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd } = yield* pipes("a", "b")
      const turn = TestTurn.make({ cwd })
      const outputs = yield* Effect.all(
        [exec({ cmd: "echo A > a; cat b" }, turn, "call-a"), exec({ cmd: "cat a; echo B > b" }, turn, "call-b")],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(outputs.map(facts), [done(0, 1, "B\n"), done(0, 1, "A\n")])
    })
  )
})

describe("a command that does not start", () => {
  const refused: ReadonlyArray<readonly [name: string, args: unknown, text: string]> = [
    ["without cmd", {}, "failed to parse function arguments: missing field `cmd`"],
    [
      "with a cmd that is not a string",
      { cmd: 5 },
      "failed to parse function arguments: invalid type: integer `5`, expected a string"
    ],
    [
      "with a negative wait",
      { cmd: "ls", yield_time_ms: -5 },
      "failed to parse function arguments: invalid value: integer `-5`, expected u64"
    ],
    [
      "with arguments that are not JSON",
      '{"cmd": ',
      "failed to parse function arguments: Unexpected end of JSON input"
    ],
    [
      "with a justification but no escalation",
      { cmd: "ls", justification: "why" },
      '`justification` requires an explicit `sandbox_permissions`; use `sandbox_permissions: "require_escalated"` for unsandboxed execution, or omit `justification`.'
    ],
    [
      "with additional permissions",
      { cmd: "ls", sandbox_permissions: "with_additional_permissions" },
      "additional permissions are disabled; enable `features.exec_permission_approvals` before using `with_additional_permissions`"
    ],
    [
      "with an escalation that cannot be approved",
      { cmd: "ls", sandbox_permissions: "require_escalated" },
      "approval policy is Never; reject command — you cannot ask for escalated permissions if the approval policy is Never"
    ]
  ]
  it.effect.each(refused)("%s is refused without an item", ([, args, text]) =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = TestTurn.make()
      assert.deepStrictEqual(yield* exec(args, turn), { text, success: false })
      assert.deepStrictEqual(turn.published, [])
    })
  )

  it.effect("completes as a failed item when the system cannot start it", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = TestTurn.make()
      const output = yield* exec({ cmd: "echo \0" }, turn)
      const reason = "Failed to create unified exec process: nul byte found in provided data"
      assert.deepStrictEqual(output, {
        text: `exec_command failed: CreateProcess { message: "Rejected(\\"${reason}\\")" }`,
        success: false
      })
      const item = yield* turn.when(TestTurn.completed)
      assert.deepStrictEqual([item.aggregatedOutput, item.exitCode, item.processId], [reason, -1, null])
    })
  )

  it.effect("in a missing directory completes as a failed item", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const cwd = "/no/such"
      const turn = TestTurn.make()
      const reason = "Failed to create unified exec process: No such file or directory (os error 2)"
      assert.deepStrictEqual(yield* exec({ cmd: "true #", shell: "sh", workdir: cwd }, turn), {
        text: `exec_command failed: CreateProcess { message: "Rejected(\\"${reason}\\")" }`,
        success: false
      })
      assert.deepStrictEqual(items(turn.published), [
        { type: "started", item: shown("true #", { cwd }) },
        {
          type: "completed",
          item: shown("true #", { cwd, status: "failed", aggregatedOutput: reason, exitCode: -1, durationMs: 0 })
        }
      ])
    })
  )
})

describe("the commands of one answer", () => {
  it.effect("are checked in order, with a yield between two of them", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      yield* exec({ cmd: "true" }, TestTurn.make())
      /** Rounds of the event loop, counted by another fiber. */
      let rounds = 0
      const others = yield* Effect.forkChild(
        Effect.forever(
          Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => void rounds++)
          )
        )
      )
      const seen: Array<readonly [id: string, round: number]> = []
      const turn = TestTurn.make({
        approvalPolicy: "untrusted",
        ask: (_method, _params, options) =>
          Effect.sync(() => {
            seen.push([options?.item?.id ?? "", rounds])
            // The only request is the approval of a command.
            return { decision: "decline" } as never
          })
      })
      const ids = Array.from({ length: 50 }, (_, index) => `call-${index}`)
      const calls = yield* Effect.forEach(ids, (id) => Effect.forkChild(exec({ cmd: "echo a" }, turn, id)))
      yield* Effect.forEach(calls, (call) => Fiber.join(call))
      yield* Fiber.interrupt(others)
      assert.deepStrictEqual(
        seen.map(([id]) => id),
        ids
      )
      assert.strictEqual(new Set(seen.map(([, round]) => round)).size, ids.length)
    })
  )
})
