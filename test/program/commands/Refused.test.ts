import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import type { Task } from "../../../src/program/commands/Exec.ts"
import { exec, server, test } from "./Runs.ts"

/** The last event of every command of a run with `--json`. */
const commandsOf = (out: string) =>
  out
    .trimEnd()
    .split("\n")
    .map((line): { readonly type: string; readonly item?: Readonly<Record<string, unknown>> } => JSON.parse(line))
    .flatMap(({ item, type }) => (type === "item.completed" && item?.["type"] === "command_execution" ? [item] : []))

const rules = 'prefix_rule(pattern=["touch"], decision="forbidden", justification="no new files")\n'

interface Case {
  readonly name: string
  readonly task: Partial<Task>
  readonly rules?: string
  readonly text: string
  readonly model: string
}

const cases: ReadonlyArray<Case> = [
  {
    name: "no user to ask",
    task: {},
    text: "declined: --json cannot ask for approval. To run commands without approval: --sandbox danger-full-access",
    model: "approval request failed"
  },
  {
    name: "the approval policy, without a sandbox",
    task: { approval: "never" },
    text: "refused: there is no sandbox here to enforce read-only, and the approval policy permits no question",
    model: "no sandbox to enforce readOnly"
  },
  {
    name: "a rule",
    task: { sandbox: "danger-full-access" },
    rules,
    text: "refused: a rule forbids it: no new files",
    model: "no new files"
  },
  {
    name: "a rule that would ask, under a policy that does not",
    task: { sandbox: "danger-full-access", approval: "never" },
    rules: 'prefix_rule(pattern=["touch"], decision="prompt")\n',
    text: "refused: a rule requires approval, and the approval policy is `never`",
    model: "AskForApproval is set to Never"
  },
  {
    name: "the approval policy, for a forced removal",
    task: { prompt: "run: rm -rf made", sandbox: "danger-full-access", approval: "never" },
    text: "refused: a forced removal needs approval, and the approval policy is `never`",
    model: "rm -f style commands are not permitted"
  }
]

describe("a command that is refused by", () => {
  for (const { model, name, rules, task, text } of cases) {
    test(
      name,
      Effect.gen(function* () {
        const { folder, options } = yield* server
        if (rules !== undefined) {
          Fs.mkdirSync(`${folder}/rules`)
          Fs.writeFileSync(`${folder}/rules/default.rules`, rules)
        }
        const prompt = "run: touch made"
        const json = yield* exec({ prompt, ...task, json: true }, options)
        assert.deepStrictEqual(
          commandsOf(json.out).map(({ aggregated_output, exit_code, status }) => [
            status,
            exit_code,
            aggregated_output
          ]),
          [["declined", null, text]]
        )
        assert.include(json.out, model)
        assert.notInclude(json.out, "rejected by user")
        const shown = yield* exec({ prompt, ...task }, options)
        assert.include(
          shown.err,
          `└ ${text.replace("--json cannot", "there is no terminal to").replace("to ask", "to ask")}\n`
        )
        assert.isFalse(Fs.existsSync(`${folder}/made`))
      })
    )
  }
})

describe("a command that the user declines", () => {
  test(
    "is shown as declined by the user, and the model reads that",
    Effect.gen(function* () {
      const { options } = yield* server
      const ran = yield* exec({ prompt: "run: touch made" }, options, ["n"])
      assert.include(ran.err, "└ declined by you, not run\n")
      assert.include(ran.out, "rejected by user")
    })
  )
})

describe("`always`", () => {
  test(
    "covers the same command in this run, and no other",
    Effect.gen(function* () {
      const { folder, options } = yield* server
      const prompt = "run: echo hi >> made\nrun: echo hi >> made\nrun: echo other >> made"
      const ran = yield* exec({ prompt }, options, ["a", "n"])
      const questions = ran.err.match(/\? Run this command\?[^\n]*/g) ?? []
      const offered =
        "? Run this command? [y]es, [n]o, [a]lways in this run: this exact command in this folder, [s]top the turn: "
      assert.strictEqual(questions.length, 2)
      assert.isTrue(questions.every((question) => question.startsWith(offered)))
      assert.strictEqual(Fs.readFileSync(`${folder}/made`, "utf8"), "hi\nhi\n")
    })
  )
})
