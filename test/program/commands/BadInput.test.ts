import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFileSync, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { spindle } from "../../support/Programs.ts"

const timeout = 60_000

/** A folder with these files, which is removed with the scope. */
const folderWith = (files: Readonly<Record<string, string | Uint8Array>> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-input-")))
      for (const [name, content] of Object.entries(files)) Fs.writeFileSync(Path.join(path, name), content)
      return path
    }),
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
  )

const offline = ["--offline", "say: hello"]

const scoped = (name: string, run: Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => Effect.scoped(run), timeout)

describe("--output-last-message", () => {
  scoped(
    "refuses a file that cannot be written, before anything else",
    Effect.gen(function* () {
      const folder = yield* folderWith({ file: "kept" })
      const pipe = Path.join(folder, "pipe")
      execFileSync("mkfifo", [pipe])
      const long = Path.join(folder, "n".repeat(300))
      const cases = [
        [Path.join(folder, "none", "last.txt"), "its folder does not exist"],
        [folder, "it is a folder"],
        [Path.join(folder, "file", "last.txt"), "a part of its path is not a folder"],
        [long, "the name is too long"],
        [pipe, "this pipe has no reader"]
      ] as const
      for (const [file, cause] of cases) {
        assert.deepStrictEqual(yield* spindle(["exec", "-o", file, ...offline]), {
          code: 2,
          stdout: "",
          stderr: `error: --output-last-message ${file} cannot be written: ${cause}\n`
        })
      }
      assert.strictEqual(Fs.readFileSync(Path.join(folder, "file"), "utf8"), "kept")
    })
  )

  scoped(
    "prints the answer when the disk is full at the end",
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* spindle(["exec", "-o", "/dev/full", ...offline])
      assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "hello\n" })
      assert.match(
        stderr,
        /\nerror: --output-last-message \/dev\/full cannot be written: no space is left on the device\n$/
      )
    })
  )

  scoped(
    "writes to a pipe that somebody reads, once",
    Effect.gen(function* () {
      const folder = yield* folderWith()
      const pipe = Path.join(folder, "pipe")
      execFileSync("mkfifo", [pipe])
      const reader = spawn("cat", [pipe], { stdio: ["ignore", "pipe", "inherit"] })
      const texts: Array<string> = []
      reader.stdout.on("data", (chunk: Buffer) => texts.push(chunk.toString()))
      const ended = new Promise((resolve) => reader.on("close", resolve))
      const { code } = yield* spindle(["exec", "-o", pipe, ...offline])
      yield* Effect.promise(() => ended)
      assert.deepStrictEqual({ code, text: texts.join("") }, { code: 0, text: "hello" })
    })
  )
})

describe("--output-schema", () => {
  it.live.each([
    ["{broken", "is not JSON"],
    ["", "is not JSON"],
    ["[1]", "is not a JSON Schema: it is not an object"],
    ['"text"', "is not a JSON Schema: it is not an object"],
    ["[".repeat(5000) + "]".repeat(5000), "is nested deeper than 127 levels"]
  ] as const)(
    "refuses a file that is no schema: %.20s",
    ([content, problem]) =>
      Effect.gen(function* () {
        const file = Path.join(yield* folderWith({ schema: content }), "schema")
        assert.deepStrictEqual(yield* spindle(["exec", "--output-schema", file, ...offline]), {
          code: 2,
          stdout: "",
          stderr: `error: --output-schema ${file} ${problem}\n`
        })
      }).pipe(Effect.scoped),
    timeout
  )
})

describe("--image", () => {
  scoped(
    "takes several files with commas, and refuses one that does not exist",
    Effect.gen(function* () {
      const dot = Uint8Array.of(1, 2, 3)
      const folder = yield* folderWith({ "a.png": dot, "b.png": dot, "c,d.png": dot })
      const file = (name: string) => Path.join(folder, name)
      const fine = yield* spindle([
        "exec",
        "-i",
        `${file("a.png")},${file("b.png")}`,
        "-i",
        file("c,d.png"),
        ...offline
      ])
      assert.deepStrictEqual([fine.code, fine.stdout], [0, "hello\n"])
      const none = yield* spindle(["exec", "-i", `${file("a.png")},${file("none.png")}`, ...offline])
      assert.deepStrictEqual(none, {
        code: 2,
        stdout: "",
        stderr: `error: --image ${file("none.png")} does not exist\n`
      })
    })
  )
})

describe("the flags of exec", () => {
  scoped(
    "name a folder that does not exist, or is none, and an empty model",
    Effect.gen(function* () {
      const folder = yield* folderWith({ file: "" })
      const file = Path.join(folder, "file")
      for (const [args, message] of [
        [["-C", `${folder}/none`], `--cd ${folder}/none does not exist`],
        [["-C", file], `--cd ${file} is not a folder`],
        [["-C", ""], '--cd "" does not exist'],
        [["--add-dir", `${folder}/none`], `--add-dir ${folder}/none does not exist`],
        [["--add-dir", folder, "--add-dir", file], `--add-dir ${file} is not a folder`],
        [["-i", ""], '--image "" does not exist'],
        [["-m", ""], "--model is empty"]
      ] as const) {
        const ran = yield* spindle(["exec", ...args, ...offline])
        assert.deepStrictEqual(ran, { code: 2, stdout: "", stderr: `error: ${message}\n` })
      }
    })
  )
})

/** Runs the program in a shell: `$NODE_ARGS` is the program. */
const shell = (line: string) =>
  Effect.promise(
    () =>
      new Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resolve) => {
        const home = Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-shell-"))
        const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url))
        const program = `'${process.execPath}' --conditions=spindle-source '${main}'`
        const child = spawn("/bin/bash", ["-c", line.replaceAll("spindle", program)], {
          stdio: ["ignore", "pipe", "pipe"],
          env: { PATH: process.env["PATH"] ?? "", HOME: home, SPINDLE_HOME: home }
        })
        const texts = { stdout: "", stderr: "" }
        child.stdout.on("data", (chunk: Buffer) => (texts.stdout += chunk.toString()))
        child.stderr.on("data", (chunk: Buffer) => (texts.stderr += chunk.toString()))
        child.on("close", (code) => {
          Fs.rmSync(home, { recursive: true, force: true })
          resolve({ code, ...texts })
        })
      })
  )

describe("stdin", () => {
  it.live.each([
    [
      String.raw`printf 'abc\377def'`,
      "stdin is not valid UTF-8 (invalid byte at offset 3). Convert it, for example with `iconv -f ENCODING -t UTF-8`."
    ],
    [
      String.raw`printf '\377\376a'`,
      "stdin is not valid UTF-16LE, which its byte order mark announces. Convert it to UTF-8."
    ],
    ["head -c 9000000 /dev/zero", "The prompt on stdin is longer than 8388608 bytes."],
    ["cat /dev/zero", "The prompt on stdin is longer than 8388608 bytes."]
  ] as const)(
    "is refused when it is not text, or too long: %s",
    ([source, problem]) =>
      Effect.gen(function* () {
        const ran = yield* shell(`${source} | { spindle exec --offline -; }`)
        assert.deepStrictEqual(ran, { code: 2, stdout: "", stderr: `error: ${problem}\n` })
      }),
    timeout
  )

  it.live(
    "may be UTF-16 with a byte order mark",
    () =>
      Effect.gen(function* () {
        const source = String.raw`printf '\377\376s\0a\0y\0:\0 \0h\0i\0'`
        const { code, stdout } = yield* shell(`${source} | spindle exec --offline -`)
        assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: "hi\n" })
      }),
    timeout
  )

  it.live(
    "that does not end is announced",
    () =>
      Effect.gen(function* () {
        for (const [argument, what] of [
          ["'say: hi'", "additional input"],
          ["-", "the prompt"]
        ] as const) {
          // The input ends when the announcement has been read.
          const line = `coproc P { spindle exec --offline ${argument} 2>&1 >/dev/null; }; read -r line <&\${P[0]}; echo "$line"; kill $P_PID`
          const { stdout } = yield* shell(line)
          assert.include(stdout, `Reading ${what} from stdin until it ends...`)
        }
      }),
    timeout
  )
})

describe("stdout", () => {
  it.live.each([
    ["closed by its reader", "spindle exec --offline 'say: hello' </dev/null | true; echo ${PIPESTATUS[0]}"],
    ["full", "spindle exec --offline 'say: hello' </dev/null >/dev/full; echo $?"]
  ] as const)(
    "that is %s ends the run with 1",
    ([, line]) => Effect.map(shell(line), ({ stdout }) => assert.strictEqual(stdout, "1\n")),
    timeout
  )
})
