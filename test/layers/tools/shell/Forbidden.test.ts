import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import { spawnSync } from "node:child_process"
import * as Os from "node:os"
import * as Path from "node:path"
import { decide } from "../../../../src/layers/tools/shell/ExecPolicy.ts"
import type { Rule } from "../../../../src/services/tool/ExecRules.ts"
import { reachOf } from "../../../../src/layers/tools/shell/Reach.ts"
import { read } from "../../../../src/layers/tools/shell/Script.ts"

const rules: ReadonlyArray<Rule> = [{ pattern: [["marker"]], decision: "forbidden", justification: null }]

const decisionOf = (source: string, approvalPolicy: "never" | "on-request") =>
  decide({
    script: read(source),
    argv: ["/bin/bash", "-lc", source],
    command: source,
    approvalPolicy,
    sandboxPolicy: { type: "dangerFullAccess" },
    confinable: true,
    escalated: false,
    justification: null,
    prefixRule: null,
    rules: { rules, hostExecutables: new Map(), incomplete: false },
    fixedSearchPath: true,
    approvedForSession: false
  }).type

/** A folder with a program `marker` that leaves a file. Programs are found there and in the system's folders. */
const scratch = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-forbidden-")))
    Fs.mkdirSync(Path.join(folder, "bin"))
    Fs.mkdirSync(Path.join(folder, "work"))
    Fs.writeFileSync(Path.join(folder, "bin", "marker"), `#!/bin/sh\n: > '${folder}/ran'\n`, { mode: 0o755 })
    return folder
  }),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
)

/** True when bash runs the marker for this script. */
const runsMarker = (folder: string, script: string): boolean => {
  const ran = Path.join(folder, "ran")
  Fs.rmSync(ran, { force: true })
  spawnSync("/bin/bash", ["-c", script], {
    cwd: Path.join(folder, "work"),
    env: { PATH: `${folder}/bin:/usr/bin:/bin`, BIN: `${folder}/bin`, M: "marker", HOME: folder },
    stdio: ["ignore", "ignore", "ignore"],
    timeout: 10_000
  })
  return Fs.existsSync(ran)
}

/** Spellings of the marker's name. */
const names = [
  "marker",
  "mar''ker",
  '"marker"',
  "'marker'",
  "m\\arker",
  "$'marker'",
  "$'\\x6darker'",
  "$M",
  "${M}",
  "${M:-x}",
  '"$M"',
  "$(echo marker)",
  "`echo marker`",
  "$BIN/marker",
  "../bin/marker",
  "../bin/mark?r",
  "../bin/m*",
  "{marker,x}",
  "mar\\\nker",
  "$(printf 'mar%s' ker)",
  "${X-marker}",
  "$[0]marker",
  "ma{rk,}er",
  "echo",
  "ls"
]

/** Ways to run the program in place of `@`. */
const wrappers = [
  "@",
  "@ x",
  "A=1 @",
  "> out @",
  "@ 2>&1 | cat",
  "command @",
  "env @",
  "env A=1 @ x",
  "exec @",
  "nice -n 1 @",
  "timeout 5 @",
  "nohup @ x",
  "eval @",
  "eval '@'",
  "bash -c '@'",
  'bash -c "@"',
  "sh -c 'exec @'",
  "echo '@' | sh",
  "bash <<< '@'",
  "bash <<E\n@\nE",
  "cat <(@)",
  "echo $(@)",
  "echo `@`",
  'echo "$(@)"',
  "if true; then @; fi",
  "for f in @; do $f; done",
  "while @; do break; done",
  "case x in *) @;; esac",
  "f() { @; }; f",
  "echo() { @; }; echo",
  "( @ )",
  "{ @; }",
  "! @",
  "time @",
  "@ &\nwait",
  "true && @",
  "false || @",
  "ls; @",
  "ls\n@",
  "# ls\n@",
  "coproc @; wait",
  "trap '@' EXIT",
  "xargs @ < /dev/null",
  "echo x | xargs -n1 @",
  "echo @ | xargs -I{} sh -c '{}'",
  "find . -maxdepth 0 -exec @ {} +",
  "find . -maxdepth 0 -exec sh -c '@' \\;",
  "alias ll=@\nshopt -s expand_aliases\nll",
  "X=@; $X",
  "X='@'; eval $X",
  'set -- @; "$@"',
  'arr=(@); "${arr[@]}"',
  "PS4='$(@)'; set -x; ls",
  "PS4='$(@)' bash -xc ls",
  "x='a[$(@)]'; echo $((x))",
  "echo $((a[$(@)]))",
  "[[ -v 'a[$(@)]' ]]",
  "printf -v 'a[$(@)]' x",
  "read x <<< 'a[$(@)]'; ((x))",
  "x='$(@)'; echo ${x@P}",
  "printf '%s\\n' '@' > s.sh; . ./s.sh",
  "printf '%s\\n' '@' > s.sh; sh ./s.sh",
  "cat <<'E' > s.sh\n@\nE\nbash s.sh",
  "BASH_ENV=<(echo '@') bash -c ls",
  "mapfile -c1 -C '@' x <<< y",
  "hash -p $BIN/marker ls; ls",
  "cp ../bin/marker ./ls; PATH=.:$PATH; ls",
  "ln -s ../bin/marker m; ./m",
  "python3 -c 'import os; os.system(\"@\")'",
  "perl -e 'system(\"@\")'",
  "awk 'BEGIN { system(\"@\") }'",
  "GIT_PAGER='@' git -p --version",
  "git -c alias.x='!@' x",
  "tar cf /dev/null --checkpoint=1 --checkpoint-action=exec='@' .",
  "sed -n '1e @' /etc/passwd",
  "echo @",
  "ls '@'",
  "grep -c @ /etc/passwd",
  "@\r",
  "\u00a0@",
  "enable -n echo; @",
  "builtin command @",
  "env -S '@'",
  "busybox @",
  "sudo -n @",
  "flock . @",
  "setsid @",
  "stdbuf -o0 @"
]

const scripts = wrappers.flatMap((wrapper) => names.map((name) => wrapper.replaceAll("@", () => name)))

const hides = (source: string) => {
  const type = decisionOf(source, "on-request")
  const never = decisionOf(source, "never")
  return { source, asked: type, never }
}

describe("a rule that forbids a program", () => {
  it.effect(
    "is not bypassed by any wrapping of any spelling that bash runs",
    () =>
      Effect.map(scratch, (folder) => {
        const passed = scripts.map(hides).filter(({ asked, never }) => asked === "run" || never === "run")
        // Some commands need no approval; otherwise this test would prove nothing.
        assert.isAbove(passed.length, 20)
        assert.deepStrictEqual(
          passed.map(({ source }) => source).filter((source) => runsMarker(folder, source)),
          []
        )
      }),
    120_000
  )

  const Name = Schema.Literals(names)
  const Wrapper = Schema.Array(Schema.Literals(wrappers)).check(Schema.isMinLength(2), Schema.isMaxLength(4))
  it.effect.prop(
    "is not bypassed by nested wrappings",
    [Wrapper, Name, Schema.Literals([" ", "\n", "; ", " | ", " && "])],
    ([nested, name, separator]) =>
      Effect.map(scratch, (folder) => {
        const inner = nested.reduce((text: string, wrapper) => wrapper.replaceAll("@", () => text), name)
        const source = `true${separator}${inner}`
        const { asked, never } = hides(source)
        if (asked === "run" || never === "run") assert.isFalse(runsMarker(folder, source), source)
      }),
    120_000
  )

  it("refuses certain matches, and prompts for possible ones", () => {
    const forms = [
      "marker",
      "/opt/marker x",
      "MARKER",
      "env marker",
      "sh -c 'ls; marker'",
      "$M",
      "foo marker",
      "trap $M EXIT",
      "trap 'echo '$(echo marker)' | sh' EXIT",
      "trap -- marker EXIT",
      "trap - EXIT",
      "echo marker"
    ]
    assert.deepStrictEqual(
      forms.map((source) => [source, decisionOf(source, "on-request"), decisionOf(source, "never")]),
      [
        ["marker", "refuse", "refuse"],
        ["/opt/marker x", "refuse", "refuse"],
        ["MARKER", "refuse", "refuse"],
        ["env marker", "refuse", "refuse"],
        ["sh -c 'ls; marker'", "refuse", "refuse"],
        ["$M", "ask", "refuse"],
        ["foo marker", "ask", "refuse"],
        ["trap $M EXIT", "ask", "refuse"],
        ["trap 'echo '$(echo marker)' | sh' EXIT", "ask", "refuse"],
        ["trap -- marker EXIT", "refuse", "refuse"],
        ["trap - EXIT", "run", "run"],
        ["echo marker", "run", "run"]
      ]
    )
  })

  it("refuses an unreadable script whose text contains the program's name", () => {
    const words = "x ".repeat(35_000)
    const deep = `${"$(echo ".repeat(70)}marker${")".repeat(70)}`
    const scripts = [
      `marker && : ${words}`,
      `: ${words}&& /bin/MARKER`,
      deep,
      "marker\r",
      "true\r\nmarker",
      "\fmarker",
      "true;\vmarker",
      "mar''ker\r",
      "mar\\\nker\r",
      "\uff4darker\r",
      "marker '",
      "marker )",
      `: ${"y".repeat(1024 * 1024)}`
    ]
    assert.deepStrictEqual(
      scripts.map((source) => decisionOf(source, "on-request")),
      scripts.map(() => "refuse")
    )
    const others = [`touch x && : ${words}`, "touch x\r", "\fls", "ls )"]
    assert.deepStrictEqual(
      others.map((source) => [decisionOf(source, "on-request"), decisionOf(source, "never")]),
      others.map(() => ["ask", "refuse"])
    )
  })

  it("examines a limited amount of a script, and refuses a longer one that contains the name", () => {
    const nested = `x ${"eval ".repeat(500)};`.repeat(25)
    const { exhausted, suspects, texts, commands } = reachOf(read(nested))
    assert.isTrue(exhausted)
    assert.isBelow(suspects.length + texts.length + commands.length, 3 * 32 * 1024)
    const forms = [nested, `${nested} marker`, `${"a b ".repeat(250)};`.repeat(20)]
    assert.deepStrictEqual(
      forms.map((source) => [decisionOf(source, "on-request"), decisionOf(source, "never")]),
      [
        ["ask", "refuse"],
        ["refuse", "refuse"],
        ["run", "run"]
      ]
    )
  })

  it("reads words of any length in linear time", () => {
    const long = 60_000
    const sources = [`sed '/${"e".repeat(long)}!'`, `bash -${"c".repeat(long)}! x`, `ls | xargs '${"{".repeat(long)}'`]
    const startedAt = performance.now()
    for (const source of sources) decisionOf(source, "on-request")
    // Quadratic reading takes more than 3 s.
    assert.isBelow(performance.now() - startedAt, 2000)
  })

  it("prompts for a program's name attached to an option or a sed command", () => {
    const glued = [
      "git grep -Omarker a",
      "git grep -O'marker x' a",
      "git grep -nOmarker a",
      "git grep -O./marker a",
      "sed 1emarker f",
      "sed -e1emarker f",
      "sed --expression=1emarker f",
      "sort --compress-program=./marker f",
      "sort --compress-prog=marker f",
      "tar -cImarker f",
      "rsync -emarker a b",
      "man -Pmarker a"
    ]
    const others = ["git grep -O a", "sed 1d f", "sort -k1 f", "npm run supermarker", "x --supermarker"]
    assert.deepStrictEqual(
      [...glued, ...others].map((source) => [source, decisionOf(source, "on-request"), decisionOf(source, "never")]),
      [...glued.map((source) => [source, "ask", "refuse"]), ...others.map((source) => [source, "run", "run"])]
    )
  })

  it("prompts for a program that runs its arguments behind a wrapper with options", () => {
    const sources = [
      "nice -n 1 git -c alias.x='!$(printf 'mar%s' ker)' x",
      "timeout 5 tar cf /dev/null --checkpoint=1 --checkpoint-action=exec='mar\\\nker' .",
      "timeout 5 sed -n '1e ${M:-x}' /etc/passwd",
      "command printf -v 'a[$($M)]' x",
      "command -- printf -v 'a[$($M)]' x"
    ]
    assert.deepStrictEqual(
      sources.map((source) => [source, decisionOf(source, "on-request"), decisionOf(source, "never")]),
      sources.map((source) => [source, "ask", "refuse"])
    )
  })
})
