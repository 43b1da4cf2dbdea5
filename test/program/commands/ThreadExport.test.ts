import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Export from "../../../src/program/commands/threads/Export.ts"
import * as Home from "../../../src/program/commands/threads/Home.ts"
import * as Markdown from "../../../src/program/commands/threads/Markdown.ts"
import type { Item, ThreadItem } from "../../../src/protocol/v2/item/Item.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { agentMessage, created, reasoning, turnEvents, userMessage } from "../../../src/testing/ThreadEvents.ts"
import { spindle } from "../../support/Programs.ts"
import { command } from "../Fixtures.ts"
import { open } from "../../layers/stores/Homes.ts"
import { at, filesIn, homeOf, idOf, type Place, test, threads } from "./ThreadCommands.ts"

const id = idOf(1)

const exported = (home: string, format: Export.Format, file: string | null = null, place?: Place) =>
  threads(home, (options) => Home.run(options, Export.run(id, format, file)), place)

const turn = (turnId: string, items: ReadonlyArray<ThreadItem>): ReadonlyArray<ThreadEvent> => [
  { _tag: "TurnStarted", at, turnId, rootTurnId: turnId },
  ...items.map((item): ThreadEvent => ({ _tag: "ItemCompleted", at, turnId, item })),
  { _tag: "TurnEnded", at: at + 2500, turnId, status: "completed", error: null }
]

const head = (title: string) => `# ${title}

- Thread: \`${id}\`
- Folder: \`/w\`
- Model: \`offline\` (offline)
- Created: 2023-11-14T22:13:20.000Z
- Changed: 2023-11-14T22:13:22.500Z
`

const ran: Item<"commandExecution"> = {
  ...command,
  command: "/bin/sh -lc 'echo `date`'",
  status: "completed",
  exitCode: 0,
  durationMs: 80
}

const change: Item<"fileChange"> = {
  type: "fileChange",
  id: "change",
  status: "completed",
  changes: [
    { path: "/w/a.md", kind: { type: "add" }, diff: "+```\n+code\n" },
    { path: "/w/b", kind: { type: "delete" }, diff: "" }
  ]
}

/** A text of a stored thread: pieces that matter to Markdown and to terminals. */
const Text = Schema.Array(
  Schema.Literals([
    "a",
    " ",
    "\n",
    "```",
    "~~~~",
    "`",
    "- ",
    "> ",
    "    ",
    "<!-- ",
    "<script>",
    "# ",
    "\u001b[2J",
    "\r"
  ])
).check(Schema.isMaxLength(12))

/** Whether a line ends up inside of a block of code or of HTML, by the rules of CommonMark for lines without a container. */
const isSwallowed = (document: string): boolean => {
  let open = ""
  for (const line of document.split("\n")) {
    const [, marks = "", rest = ""] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? []
    if (open === "" && marks !== "" && !(marks.startsWith("`") && rest.includes("`"))) open = marks
    else if (open !== "" && marks.startsWith(open) && rest.trim() === "") open = ""
    if (open === "" && /^ {0,3}<(?:!--|script)/.test(line)) return true
  }
  return open !== ""
}

describe("an export as Markdown", () => {
  test(
    "has the messages, the commands and the changes, and nothing of a text ends its block",
    Effect.gen(function* () {
      const output = Array.from({ length: 60 }, (_, index) => `line ${index}${index === 0 ? "\u001b[31m```" : ""}`)
      const items = [
        userMessage("m", "# do\u0007 it\n\nnow"),
        reasoning("r"),
        { ...ran, aggregatedOutput: `${output.join("\n")}\n` },
        change,
        agentMessage("a", "Done:\n\n```sh\nls\n```")
      ]
      const home = yield* homeOf([[created(id), ...turn("u", items)]])
      const { code, err, out } = yield* exported(home, "markdown")
      assert.deepStrictEqual([code, err], [0, ""])
      const kept = ["line 0```", ...output.slice(1, 20), "… 20 more lines", ...output.slice(40)]
      assert.strictEqual(
        out,
        `${head("\\# do it now")}
## Turn 1: 2023-11-14T22:13:20.000Z, completed, 2.5 s

### User

> # do it
>
> now

**Command** \`\` echo \`date\` \`\` (exit 0, 80 ms)

\`\`\`\`text
${kept.join("\n")}
\`\`\`\`

**Added** \`/w/a.md\`

\`\`\`\`diff
+\`\`\`
+code
\`\`\`\`

**Deleted** \`/w/b\`

### Agent

Done:

\`\`\`sh
ls
\`\`\`
`
      )
    })
  )

  it.effect.prop(
    "is never swallowed by a message or an output, and has no control characters",
    [Arbitrary.schema(Text), Arbitrary.schema(Text)],
    ([message, output]) =>
      Effect.sync(() => {
        const items = [
          agentMessage("a", message.join("")),
          userMessage("m", output.join("")),
          { ...ran, command: message.join(""), aggregatedOutput: output.join("") }
        ]
        const state = { seq: 1, id: "u", rootTurnId: "u", startedAt: at, endedAt: at, items, itemSeqs: [2, 3, 4] }
        const text = Markdown.turn({ ...state, status: "completed", error: null, conversationStart: 0 }, 0)
        assert.isFalse(isSwallowed(text), text)
        assert.notMatch(text, /(?!\n)\p{Cc}/u)
      }),
    { arbitrary: { runs: 2000 } }
  )
})

describe("an export as JSON", () => {
  test(
    "is the thread of the protocol with its turns",
    Effect.gen(function* () {
      const events = [created(id), ...turnEvents("u", at, "question\u009b", "answer"), ...turnEvents("v", at, "q", "a")]
      const cut: ThreadEvent = { _tag: "TurnStarted", at, turnId: "w", rootTurnId: "w" }
      const home = yield* homeOf([[...events, cut]])
      const { code, err, out } = yield* exported(home, "json")
      assert.deepStrictEqual([code, err], [0, ""])
      assert.notMatch(out, /(?!\n)\p{Cc}/u)
      const { turns, ...thread } = JSON.parse(out)
      assert.deepStrictEqual(
        [thread.id, thread.preview, thread.path, thread.status],
        [id, "question\u009b", filesIn(home)[0], { type: "notLoaded" }]
      )
      const times = { startedAt: at / 1000, itemsView: "full", error: null }
      const ended = { ...times, completedAt: Math.floor((at + 1500) / 1000), durationMs: 1500, status: "completed" }
      assert.deepStrictEqual(turns, [
        {
          ...ended,
          id: "u",
          rootTurnId: "u",
          items: [userMessage("u-message", "question\u009b"), agentMessage("u-answer", "answer")]
        },
        { ...ended, id: "v", rootTurnId: "v", items: [userMessage("v-message", "q"), agentMessage("v-answer", "a")] },
        { ...times, id: "w", rootTurnId: "w", items: [], completedAt: null, durationMs: null, status: "interrupted" }
      ])
    })
  )

  test(
    "of a thread without turns is valid too",
    Effect.gen(function* () {
      const home = yield* homeOf([[created(id), { _tag: "NameSet", at, name: "named" }]])
      assert.deepStrictEqual(JSON.parse((yield* exported(home, "json")).out).turns, [])
    })
  )
})

describe("the file of an export", () => {
  const thread = [created(id), ...turnEvents("u", at, "question", "answer")]

  test(
    "is replaced when the export is complete, also behind a link, and is private",
    Effect.gen(function* () {
      const home = yield* homeOf([thread])
      const file = Path.join(home, "thread.md")
      const link = Path.join(home, "link.md")
      Fs.writeFileSync(file, "before")
      Fs.symlinkSync("thread.md", link)
      assert.deepStrictEqual(yield* exported(home, "markdown", link), { code: 0, out: "", err: "" })
      assert.strictEqual(Fs.readFileSync(file, "utf8"), (yield* exported(home, "markdown", "-")).out)
      assert.isTrue(Fs.lstatSync(link).isSymbolicLink())
      assert.strictEqual(Fs.statSync(file).mode & 0o777, 0o600)
    })
  )

  test(
    "is refused when it is no file, cannot be written or belongs to the store; nothing is left behind",
    Effect.gen(function* () {
      const home = yield* homeOf([thread])
      const [rollout = ""] = filesIn(home)
      const before = Fs.readFileSync(rollout, "utf8")
      const stored = "the stored threads are in this folder."
      const cases: ReadonlyArray<readonly [string, string]> = [
        ["/dev/full", "it is not a regular file. Without --output, stdout is used."],
        [home, "it is not a regular file. Without --output, stdout is used."],
        [rollout, stored],
        [Path.join(home, "sessions", "x.md"), stored],
        [Path.join(home, "archived_sessions"), stored]
      ]
      for (const [file, problem] of cases) {
        const refused = yield* exported(home, "markdown", file)
        assert.deepStrictEqual(refused, { code: 1, out: "", err: `error: ${file} cannot be written: ${problem}\n` })
      }
      const missing = yield* exported(home, "json", Path.join(home, "no", "such.md"))
      assert.deepStrictEqual([missing.code, missing.out], [1, ""])
      assert.include(missing.err, "such.md cannot be written: its folder does not exist")
      assert.strictEqual(Fs.readFileSync(rollout, "utf8"), before)
      // The index is written in the background.
      const left = Fs.readdirSync(home).filter((name) => !name.startsWith("spindle_1.sqlite"))
      assert.deepStrictEqual(left.toSorted(), ["sessions", "thread-writer-locks"])
    })
  )

  test(
    "keeps its content when the thread cannot be read to its end",
    Effect.gen(function* () {
      const home = yield* homeOf([thread])
      const file = Path.join(home, "thread.md")
      Fs.writeFileSync(file, "before")
      yield* (yield* open(home)).delete(id)
      assert.strictEqual((yield* exported(home, "markdown", file)).code, 1)
      assert.strictEqual(Fs.readFileSync(file, "utf8"), "before")
      assert.deepStrictEqual(
        Fs.readdirSync(home).filter((name) => name.endsWith(".tmp")),
        []
      )
    })
  )
})

describe("a reader that closes the pipe", () => {
  it.live(
    "ends the command with exit code 1 and without an error",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const turns = Array.from({ length: 400 }, (_, index) =>
            turnEvents(`u${index}`, at, "q".repeat(2000), "answer")
          )
          const home = yield* homeOf([[created(id), ...turns.flat()]])
          const script = `"$0" --conditions=spindle-source src/main.ts threads export ${id} | head -c 100; echo " $PIPESTATUS"`
          const { spawnSync } = yield* Effect.promise(() => import("node:child_process"))
          const { stderr, stdout } = spawnSync("bash", ["-c", script, process.execPath], {
            env: { PATH: process.env["PATH"] ?? "", HOME: home, SPINDLE_HOME: home },
            encoding: "utf8"
          })
          assert.deepStrictEqual([stderr, stdout.slice(-3)], ["", " 1\n"])
          assert.strictEqual(
            (yield* spindle(["threads", "export", id], { environment: { SPINDLE_HOME: home } })).code,
            0
          )
        })
      ),
    60_000
  )
})
