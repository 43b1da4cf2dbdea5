import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { CommandExecutionApprovalDecision } from "../../../src/protocol/v2/approval/Approval.ts"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import * as FileExecRules from "../../../src/layers/tools/shell/FileExecRules.ts"
import * as Rules from "../../../src/layers/tools/shell/Rules.ts"
import * as Shell from "../../../src/layers/tools/Shell.ts"
import { files } from "../../../src/layers/sandboxes/Files.ts"
import { Sandbox } from "../../../src/services/sandbox/Sandbox.ts"
import { AskFailed } from "../../../src/services/tool/Tool.ts"
import { done, facts, items, opened, openedWith, shown } from "./TestShell.ts"
import * as TestTurn from "./TestTurn.ts"

describe("a command that needs approval", () => {
  const cmd = "echo a"
  const answered = (answer: Parameters<typeof TestTurn.make>[0]) =>
    TestTurn.make({ approvalPolicy: "untrusted", ...answer })
  const agent = shown(cmd, { source: "agent" })
  const asked = {
    type: "asked",
    item: agent
  }

  it.effect("runs when it is accepted, as one item", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = answered({ answer: Effect.succeed("accept") })
      assert.deepStrictEqual(facts(yield* exec({ cmd, shell: "sh" }, turn)), done(0, 1, "a\n"))
      assert.deepStrictEqual(items(turn.published), [
        asked,
        {
          type: "completed",
          item: shown(cmd, { processId: "#", status: "completed", aggregatedOutput: "a\n", exitCode: 0, durationMs: 0 })
        }
      ])
    })
  )

  it.effect("is presented with all its facts", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = answered({ answer: Effect.succeed("decline") })
      const args = {
        cmd,
        shell: "sh",
        sandbox_permissions: "require_escalated",
        justification: "May I?",
        prefix_rule: ["echo"]
      }
      yield* exec(args, turn)
      const approval = yield* turn.when((entry) => (entry.type === "asked" ? entry.approval : undefined))
      assert.deepStrictEqual(approval, {
        environmentId: "local",
        reason: "May I?",
        command: "/bin/sh -lc 'echo a'",
        cwd: "/",
        commandActions: [{ type: "unknown", command: "echo a" }],
        proposedExecpolicyAmendment: ["echo"],
        availableDecisions: ["accept", { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["echo"] } }, "cancel"]
      })
    })
  )

  it.effect("does not run when it is declined", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = answered({ answer: Effect.succeed("decline") })
      assert.deepStrictEqual(yield* exec({ cmd, shell: "sh" }, turn), {
        text: 'exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }',
        success: false
      })
      assert.deepStrictEqual(items(turn.published), [
        asked,
        { type: "completed", item: { ...agent, status: "declined" } }
      ])
    })
  )

  const notOffered: ReadonlyArray<readonly [name: string, answer: CommandExecutionApprovalDecision]> = [
    [
      "a rule for the network",
      { applyNetworkPolicyAmendment: { network_policy_amendment: { host: "example.org", action: "allow" } } }
    ],
    ["a rule without words", { acceptWithExecpolicyAmendment: { execpolicy_amendment: [] } }]
  ]
  it.effect.each(notOffered)("does not run when the answer is %s", ([, answer]) =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = answered({ answer: Effect.succeed(answer) })
      assert.deepStrictEqual(yield* exec({ cmd, shell: "sh" }, turn), {
        text: 'exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }',
        success: false
      })
      assert.deepStrictEqual(items(turn.published), [
        asked,
        { type: "completed", item: { ...agent, status: "declined" } }
      ])
    })
  )

  it.effect("ends the turn when the answer is `cancel`", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = answered({ answer: Effect.succeed("cancel") })
      const error = yield* Effect.flip(exec({ cmd, shell: "sh" }, turn))
      assert.strictEqual(error._tag, "TurnCancelled")
      assert.deepStrictEqual(items(turn.published), [
        asked,
        { type: "completed", item: { ...agent, status: "declined" } }
      ])
    })
  )

  const failures = [
    ["error", true],
    ["malformed", true],
    ["overloaded", true],
    ["turnTransition", false]
  ] as const
  it.effect.each(failures)("fails when there is no answer: %s", ([reason, ends]) =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = answered({
        answer: Effect.fail(new AskFailed({ method: "item/commandExecution/requestApproval", reason }))
      })
      assert.deepStrictEqual(yield* exec({ cmd, shell: "sh" }, turn), {
        text: 'exec_command failed: CreateProcess { message: "Rejected(\\"approval request failed\\")" }',
        success: false
      })
      assert.deepStrictEqual(
        items(turn.published),
        ends ? [asked, { type: "completed", item: { ...agent, status: "failed" } }] : [asked]
      )
    })
  )

  it.effect("needs no second approval after one for the session, but others do", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = answered({ answer: Effect.succeed("acceptForSession") })
      for (const source of [cmd, "echo  a", "echo b", cmd]) yield* exec({ cmd: source, shell: "sh" }, turn)
      const questions = turn.published.flatMap((entry) => (entry.type === "asked" ? [entry.approval.command] : []))
      assert.deepStrictEqual(questions, ["/bin/sh -lc 'echo a'", "/bin/sh -lc 'echo b'"])
    })
  )

  it.effect("needs no further approval in any thread after a rule was added", () =>
    Effect.gen(function* () {
      const one = yield* opened
      const rule = answered({
        answer: Effect.succeed({ acceptWithExecpolicyAmendment: { execpolicy_amendment: ["echo"] } })
      })
      yield* one.exec({ cmd }, rule)
      yield* one.exec({ cmd: "echo b && echo c" }, rule)
      assert.strictEqual(rule.published.filter((entry) => entry.type === "asked").length, 1)
    })
  )

  it.effect("needs approval when no sandbox can confine it, and then runs", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const turn = TestTurn.make({
        approvalPolicy: "on-request",
        sandboxPolicy: { type: "readOnly", networkAccess: false },
        answer: Effect.succeed("accept")
      })
      assert.deepStrictEqual(facts(yield* exec({ cmd }, turn)), done(0, 1, "a\n"))
      const reason = yield* turn.when((entry) => (entry.type === "asked" ? entry.approval.reason : undefined))
      assert.strictEqual(reason, "This machine has no sandbox to enforce readOnly: the command would run without one")
    })
  )
})

describe("a command on a machine with a sandbox", () => {
  const sandboxed = Shell.sessionsWith({}).pipe(
    Layer.provide(
      Layer.succeed(
        Sandbox,
        Sandbox.of({
          confine: (command) => Effect.succeed({ ...command, env: { ...command.env, CONFINED: "confined" } }),
          files: files({ protect: [] }),
          report: Effect.never
        })
      )
    ),
    Layer.provideMerge(FileExecRules.layerMemory([Rules.allowPrefix(["env", "-u", "X"])])),
    Layer.provide(NodeSmallFiles.layer)
  )
  const policy = {
    approvalPolicy: "on-request",
    sandboxPolicy: { type: "readOnly", networkAccess: false },
    answer: Effect.succeed("accept" as const)
  } as const

  const cases: ReadonlyArray<readonly [name: string, args: object, asked: number, output: string]> = [
    ["is confined without approval", { cmd: "echo $CONFINED" }, 0, "confined\n"],
    [
      "needs approval for an escalation, and then runs without the sandbox",
      { cmd: "echo $CONFINED", sandbox_permissions: "require_escalated" },
      1,
      "\n"
    ],
    ["is confined when it was approved for another reason", { cmd: "rm -f /no/such; echo $CONFINED" }, 1, "confined\n"],
    ["runs without the sandbox when a rule allows it", { cmd: "env -u X sh -c 'echo $CONFINED'" }, 0, "\n"]
  ]
  it.effect.each(cases)("%s", ([, args, asked, output]) =>
    Effect.gen(function* () {
      const { exec } = yield* openedWith(sandboxed)
      const turn = TestTurn.make(policy)
      const { text } = yield* exec(args, turn)
      assert.deepStrictEqual(
        [turn.published.filter((entry) => entry.type === "asked").length, text.split("Output:\n")[1]],
        [asked, output]
      )
    })
  )
})
