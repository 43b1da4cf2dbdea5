import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Delete from "../../../src/program/commands/threads/Delete.ts"
import * as Home from "../../../src/program/commands/threads/Home.ts"
import * as List from "../../../src/program/commands/threads/List.ts"
import * as Show from "../../../src/program/commands/threads/Show.ts"
import { created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import { spindle } from "../../support/Programs.ts"
import { open } from "../../layers/stores/Homes.ts"
import { at, filesIn, homeOf, idOf, type Place, test, threads } from "./ThreadCommands.ts"

const selection: List.Selection = { cwd: null, archived: false, all: false, limit: 25, json: false }

const thread = (number: number, text = `message ${number}`, cwd = "/w") => [
  created(idOf(number), { createdAt: at / 1000 + number, cwd }, { cwd }),
  ...turnEvents(`u${number}`, at + number * 1000, text, `answer ${number}`)
]

const list = (home: string, changed: Partial<List.Selection> = {}, text: string | null = null, place?: Place) =>
  threads(home, (options) => Home.run(options, List.list({ ...selection, ...changed }, text)), place)

const search = (home: string, text: string, changed: Partial<List.Selection> = {}, place?: Place) =>
  threads(home, (options) => Home.run(options, List.search({ ...selection, ...changed }, text)), place)

const show = (home: string, target: string, last: number | null = null, place?: Place) =>
  threads(home, (options) => Home.run(options, Show.show(target, last)), place)

const remove = (home: string, targets: ReadonlyArray<string>, place: Place & { readonly yes?: boolean }) =>
  threads(home, (options) => Home.run(options, Delete.run(targets, place.yes ?? false)), place)

const line = (number: number, title = `message ${number}`, cwd = "/w") =>
  `${idOf(number)}\t${new Date(at + number * 1000 + 1500).toISOString()}\t1\t\t${cwd}\t${title}\n`

const failed = (message: string) => ({ code: 1, out: "", err: `error: ${message}\n` })

describe("spindle threads list", () => {
  test(
    "prints a line for each thread, the one that changed last first, up to the limit",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1), thread(2), thread(3)])
      assert.deepStrictEqual(yield* list(home), { code: 0, out: line(3) + line(2) + line(1), err: "" })
      assert.strictEqual((yield* list(home, { limit: 2 })).out, line(3) + line(2))
      assert.strictEqual((yield* list(home, { limit: 0 })).out, line(3) + line(2) + line(1))
    })
  )

  test(
    "filters by folder, by text and by archive mark",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1, "one", "/a"), thread(2, "two", "/b"), thread(3, "three", "/a")])
      yield* (yield* open(home)).append(idOf(3), thread(3).length, [{ _tag: "Archived", at: at + 9000 }])
      assert.strictEqual((yield* list(home, { cwd: "/a" })).out, line(1, "one", "/a"))
      assert.strictEqual((yield* list(home, {}, "wo")).out, line(2, "two", "/b"))
      const archived = line(3, "three", "/a").replace("\t1\t\t", "\t1\tarchived\t")
      assert.strictEqual((yield* list(home, { archived: true })).out, archived)
      assert.strictEqual((yield* list(home, { all: true, cwd: "/a" })).out, archived + line(1, "one", "/a"))
      const nothing = yield* list(home, { cwd: "/nowhere" }, null, { isTerminal: true })
      assert.deepStrictEqual(nothing, { code: 0, out: "", err: "There are no such threads.\n" })
    })
  )

  test(
    "prints a table on a terminal, and nothing of a title is a control character",
    Effect.gen(function* () {
      const home = yield* homeOf([
        thread(1, "a\u001b]0;title\u0007 red\u001b[31m\nsecond\u202e line"),
        thread(2, "漢".repeat(60))
      ])
      const { out } = yield* list(home, {}, null, { isTerminal: true })
      const [, second = "", first = ""] = out.split("\n")
      assert.match(second, /^0198c0de-0002 {2}\d{4}-\d\d-\d\d \d\d:\d\d {6}1 {2}漢{19}…$/)
      assert.match(first, /^0198c0de-0001 {2}\d{4}-\d\d-\d\d \d\d:\d\d {6}1 {2}a red second line$/)
      assert.notMatch(out, /(?!\n)\p{Cc}/u)
      assert.include((yield* list(home)).out, "\ta red second line\n")
    })
  )

  test(
    "prints the threads of the protocol as JSON, without any control character",
    Effect.gen(function* () {
      const text = "a\u0085b\u009b31m\u001b[2J\u202e"
      const home = yield* homeOf([thread(1, text), thread(2)])
      const { out } = yield* list(home, { json: true })
      assert.notMatch(out, /(?!\n)[\p{Cc}\u202e]/u)
      const data: ReadonlyArray<Readonly<Record<string, unknown>>> = JSON.parse(out)
      assert.deepStrictEqual(
        data.map(({ id, path, preview, turns }) => ({ id, path, preview, turns })),
        [
          { id: idOf(2), path: filesIn(home)[1], preview: "message 2", turns: [] },
          { id: idOf(1), path: filesIn(home)[0], preview: text, turns: [] }
        ]
      )
      assert.strictEqual((yield* list(yield* homeOf([]), { json: true })).out, "[]\n")
    })
  )

  test(
    "lists the other threads when a file is corrupt",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1), thread(2)])
      Fs.writeFileSync(filesIn(home)[0] ?? "", "{not json\n\u0000\u0000")
      assert.deepStrictEqual(yield* list(home), { code: 0, out: line(2), err: "" })
      assert.deepStrictEqual(
        yield* show(home, idOf(1)),
        failed(`There is no thread with the id or the name ${idOf(1)}.`)
      )
    })
  )

  test(
    "warns when the setting keeps threads in memory",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1)])
      const shown = yield* list(home, {}, null, { config: '[spindle]\nstore = "memory"\n' })
      assert.deepStrictEqual(shown, {
        code: 0,
        out: "",
        err: 'warning: the setting spindle.store is "memory": threads are not stored\n'
      })
    })
  )
})

describe("spindle threads search", () => {
  test(
    "prints the threads with the text around it, in any case",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1), thread(2, "find the NEEDLE\u001b[31m here")])
      const time = new Date(at + 3500).toISOString()
      const title = "find the NEEDLE here"
      assert.deepStrictEqual(yield* search(home, "needle"), {
        code: 0,
        out: `${idOf(2)}\t${time}\t${title}\t${title}\n`,
        err: ""
      })
      const found = JSON.parse((yield* search(home, "answer", { json: true })).out)
      assert.deepStrictEqual(
        found.map((one: { readonly thread: { readonly id: string }; readonly snippet: string }) => [
          one.thread.id,
          one.snippet
        ]),
        [
          [idOf(2), "answer 2"],
          [idOf(1), "answer 1"]
        ]
      )
      const none = yield* search(home, "absent", {}, { isTerminal: true })
      assert.deepStrictEqual(none, { code: 0, out: "", err: "No thread has this text.\n" })
    })
  )
})

describe("a thread of the command line", () => {
  test(
    "is found by its id in any spelling, by the beginning of its id, and by its name",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1), thread(2)])
      yield* (yield* open(home)).append(idOf(2), thread(2).length, [{ _tag: "NameSet", at, name: "Release notes" }])
      const id = idOf(1)
      const spellings = [id, id.toUpperCase(), `urn:uuid:${id}`, `{${id}}`, id.replaceAll("-", ""), "0198C0DE-0001"]
      for (const spelling of spellings) {
        assert.include((yield* show(home, spelling)).out, `thread ${id} ·`, spelling)
      }
      assert.include((yield* show(home, "Release notes")).out, `Release notes\nthread ${idOf(2)} ·`)
    })
  )

  test(
    "is refused when several fit, or none",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1), thread(2), thread(3)])
      const store = yield* open(home)
      for (const number of [1, 2]) {
        yield* store.append(idOf(number), thread(number).length, [{ _tag: "NameSet", at, name: "same" }])
      }
      // The name of one thread is the beginning of the id of another one.
      yield* store.append(idOf(3), thread(3).length, [{ _tag: "NameSet", at, name: "0198c0de-0001" }])
      const several = (target: string, ...numbers: ReadonlyArray<number>) =>
        failed(`Several threads fit ${target}. Pass the id of one:\n${numbers.map(idOf).join("\n")}`)
      assert.deepStrictEqual(yield* show(home, "0198c0"), several("0198c0", 1, 2, 3))
      assert.deepStrictEqual(yield* show(home, "same"), several("same", 1, 2))
      assert.deepStrictEqual(yield* show(home, "0198c0de-0001"), several("0198c0de-0001", 1, 3))
      const missing = (target: string) => failed(`There is no thread with the id or the name ${target}.`)
      for (const target of ["019", "message 1", "sam", "../../etc/passwd", idOf(9), "%", "rollout-*"]) {
        assert.deepStrictEqual(yield* show(home, target), missing(target))
      }
      assert.deepStrictEqual(yield* show(home, "x\u001b[2J"), missing("(with escapes) x\\x1b[2J"))
      assert.deepStrictEqual(yield* show(home, ""), failed("The id of the thread is empty."))
    })
  )
})

describe("spindle threads show", () => {
  test(
    "prints the conversation, or the last turns of it",
    Effect.gen(function* () {
      const home = yield* homeOf([
        [...thread(1), ...turnEvents("v", at + 5000, "more\u001b[8m\nlines", "an\u0007swer")]
      ])
      const { code, err, out } = yield* show(home, idOf(1), null, { isTerminal: true })
      assert.deepStrictEqual([code, err], [0, ""])
      const [head = "", facts = "", ...rest] = out.split("\n")
      assert.strictEqual(head, "message 1")
      assert.match(facts, new RegExp(`^thread ${idOf(1)} · /w · offline \\(offline\\) · changed `))
      assert.strictEqual(rest.join("\n"), "\n> message 1\n\nanswer 1\n\n> more\n> lines\n\nanswer\n")
      const last = yield* show(home, idOf(1), 1)
      assert.isTrue(last.out.endsWith("\n\n… 1 earlier turns\n\n> more\n> lines\n\nanswer\n"))
    })
  )
})

describe("spindle threads delete", () => {
  test(
    "deletes what was affirmed, and prints the ids",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1, "first\u001b[31m"), thread(2), thread(3)])
      const question = `${idOf(1)}  first\n${idOf(2)}  message 2\n? Delete these 2 threads for good? [y/N] `
      const targets = [idOf(1), idOf(2), idOf(1).toUpperCase()]
      for (const typed of [["n"], [""], [], ["yesterday"]]) {
        const kept = yield* remove(home, targets, { typed })
        const end = typed.length === 0 ? "\n" : ""
        assert.deepStrictEqual(kept, { code: 1, out: "", err: `${question}${end}Nothing was deleted.\n` })
      }
      assert.strictEqual(filesIn(home).length, 3)
      assert.deepStrictEqual(yield* remove(home, targets, { typed: ["y"] }), {
        code: 0,
        out: `deleted ${idOf(1)}\ndeleted ${idOf(2)}\n`,
        err: question
      })
      assert.strictEqual((yield* list(home)).out, line(3))
    })
  )

  test(
    "needs --yes without a terminal, and deletes nothing unless every target is a thread",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1)])
      const refused = yield* remove(home, [idOf(1)], {})
      assert.deepStrictEqual(refused, {
        code: 2,
        out: "",
        err: "error: There is no terminal to ask on: pass --yes to delete.\n"
      })
      const missing = failed("There is no thread with the id or the name nothing.")
      assert.deepStrictEqual(yield* remove(home, [idOf(1), "nothing"], { yes: true }), missing)
      assert.strictEqual(filesIn(home).length, 1)
    })
  )

  test(
    "keeps a thread that is in use, and one that a fork refers to, and deletes the others",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1), thread(2), thread(3), thread(4)])
      const claim = (yield* open(home)).claim ?? (() => Effect.die("no claim"))
      const release = yield* claim(idOf(1), false)
      const [, source = "", , fork = ""] = filesIn(home)
      const [head = "", ...rest] = Fs.readFileSync(fork, "utf8").split("\n")
      const meta = JSON.parse(head)
      meta.payload.history_base = {
        thread_id: idOf(2),
        end_byte_offset: Fs.statSync(source).size,
        end_ordinal_exclusive: 100
      }
      Fs.writeFileSync(fork, [JSON.stringify(meta), ...rest].join("\n"))
      const shown = yield* remove(home, [1, 2, 3].map(idOf), { yes: true })
      assert.deepStrictEqual(shown, {
        code: 1,
        out: `deleted ${idOf(3)}\n`,
        err:
          `error: thread ${idOf(1)} already has an active writer\n` +
          `error: cannot delete thread ${idOf(2)}: forked history still references it\n`
      })
      yield* release
      assert.strictEqual((yield* remove(home, [idOf(1)], { yes: true })).code, 0)
      assert.deepStrictEqual(filesIn(home), [source, fork])
    })
  )
})

describe("the command line of spindle threads", () => {
  it.live.each([
    [["list", "--limit", "-1"], "--limit is negative"],
    [["list", "--all", "--archived"], "--all cannot be used with --archived"],
    [["list", "--cwd", ""], "--cwd is empty"],
    [["search", " "], "The text to search for is empty."],
    [["show", "x", "--turns", "0"], "--turns is less than 1"],
    [["export", "x", "-o", ""], "--output is empty"],
    [["delete", "x"], "There is no terminal to ask on: pass --yes to delete."]
  ] as const)(
    "refuses %j",
    ([args, message]) =>
      Effect.gen(function* () {
        const ran = yield* spindle(["threads", ...args])
        assert.deepStrictEqual(ran, { code: 2, stdout: "", stderr: `error: ${message}\n` })
      }),
    60_000
  )

  it.live(
    "is part of the completions and of the help",
    () =>
      Effect.gen(function* () {
        const { stdout } = yield* spindle(["--completions", "bash"])
        for (const word of ["threads", "list", "search", "show", "export", "delete", "gc", "--dry-run", "--archived"]) {
          assert.include(stdout, word)
        }
        const help = yield* spindle(["threads", "export", "--help"])
        assert.deepStrictEqual([help.code, help.stderr], [0, ""])
        assert.include(help.stdout, "spindle threads export 01a1fb80-d002 -o thread.md")
      }),
    60_000
  )

  test(
    "shows, exports and deletes a thread of `spindle exec`",
    Effect.gen(function* () {
      const home = yield* homeOf([])
      const environment = { SPINDLE_HOME: home }
      yield* spindle(["exec", "--offline", "say: hello"], { environment })
      const listed = yield* spindle(["threads", "list", "--cwd", "."], { environment })
      const [id = ""] = listed.stdout.split("\t")
      assert.match(listed.stdout, /^[\w-]{36}\t[\w:.-]+\t1\t\t\S+\tsay: hello\n$/)
      const shown = yield* spindle(["threads", "show", id.slice(0, 18)], { environment })
      assert.isTrue(shown.stdout.endsWith("\n\n> say: hello\n\nhello\n"), shown.stdout)
      const file = Path.join(home, "thread.json")
      const exported = yield* spindle(["threads", "export", id, "-f", "json", "-o", file], { environment })
      assert.deepStrictEqual(exported, { code: 0, stdout: "", stderr: "" })
      assert.strictEqual(JSON.parse(Fs.readFileSync(file, "utf8")).id, id)
      const deleted = yield* spindle(["threads", "delete", "-y", id], { environment })
      assert.deepStrictEqual(deleted, { code: 0, stdout: `deleted ${id}\n`, stderr: "" })
      assert.deepStrictEqual(filesIn(home), [])
    })
  )
})
