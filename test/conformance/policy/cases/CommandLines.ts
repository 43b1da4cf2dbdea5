/**
 * One command in many clothes, before rules that forbid it, ask about it, or allow it.
 *
 * @module
 */
import type { Case } from "../Case.ts"
import { confined, onRequest, rule, ruled, untrusted } from "./Rule.ts"

/** Each creates the mark when it runs, unless it says otherwise. */
const forms: Readonly<Record<string, string>> = {
  plain: "touch {mark}",
  "by path": "/usr/bin/touch {mark}",
  "by another path": "/bin/../usr/bin/touch {mark}",
  "quotes within the name": "t''ouch {mark}",
  "double quotes": '"touch" {mark}',
  "a backslash": "t\\ouch {mark}",
  "ANSI quotes": "$'touch' {mark}",
  "ANSI quotes with an escape": "$'\\x74ouch' {mark}",
  "a locale string": '$"touch" {mark}',
  env: "env touch {mark}",
  "env with a variable": "env A=1 touch {mark}",
  "env by path": "/usr/bin/env touch {mark}",
  "an assignment before": "A=1 touch {mark}",
  command: "command touch {mark}",
  "builtin command": "builtin command touch {mark}",
  exec: "exec touch {mark}",
  nohup: "nohup touch {mark}",
  nice: "nice -n 1 touch {mark}",
  timeout: "timeout 5 touch {mark}",
  time: "time touch {mark}",
  "a negation": "! touch {mark}",
  "bash -c": "bash -c 'touch {mark}'",
  "bash -lc": "bash -lc 'touch {mark}'",
  "sh -c": "sh -c 'touch {mark}'",
  "sh -lc": "sh -lc 'touch {mark}'",
  "sh by path": "/bin/sh -c 'touch {mark}'",
  "bash -lc in bash -lc": `bash -lc "bash -lc 'touch {mark}'"`,
  "a shell that reads a script": "echo 'touch {mark}' | sh",
  "a heredoc to a shell": "sh <<'EOF'\ntouch {mark}\nEOF",
  "a here-string to a shell": "bash <<< 'touch {mark}'",
  "eval of a substitution": "eval $(echo touch {mark})",
  "70 subshells": `${"( ".repeat(70)}touch {mark}${" )".repeat(70)}`,
  "70 substitutions": `${"echo $(".repeat(70)}touch {mark}${")".repeat(70)}`,
  "70 groups": `${"{ ".repeat(70)}touch {mark}; ${"} ; ".repeat(70)}`,
  "after a comment of 70 KB": `# ${"x".repeat(70_000)}\ntouch {mark}`,
  "before 70 KB of words": `touch {mark} && : ${"x ".repeat(35_000)}`,
  "after 70 KB of words": `: ${"x ".repeat(35_000)}&& touch {mark}`,
  "after blanks": "   \t touch {mark}",
  "after &&": "true && touch {mark}",
  "after ||": "false || touch {mark}",
  "after ;": "true; touch {mark}",
  "after a newline": "true\ntouch {mark}",
  "after a pipe": "true | touch {mark}",
  "before a pipe": "touch {mark} | true",
  "in the background": "touch {mark} & wait",
  "a subshell": "(touch {mark})",
  "a group": "{ touch {mark}; }",
  "a substitution": "echo $(touch {mark})",
  backticks: "echo `touch {mark}`",
  "a substitution in quotes": 'echo "$(touch {mark})"',
  "a substitution as the name": "$(echo touch) {mark}",
  "a process substitution": "cat <(touch {mark})",
  "a heredoc with a substitution": "cat <<EOF\n$(touch {mark})\nEOF",
  "an arithmetic substitution": "echo $((a[$(touch {mark})]))",
  "a redirection": "echo hi > {mark}",
  "a redirection after it": "touch {mark} > /dev/null",
  "a redirection before it": "> /dev/null touch {mark}",
  "a redirection of errors": "touch {mark} 2>&1",
  "a variable as the name": "X=touch; $X {mark}",
  "a variable as an argument": "X={mark}; touch $X",
  "a glob as the name": "/usr/bin/touc[h] {mark}",
  "a glob as an argument": "touch {mark} *",
  "a question mark in the name": "/usr/bin/touc? {mark}",
  "a brace expansion": "{touch,{mark}}",
  "a function": "f() { touch {mark}; }; f",
  "a function of its name": "touch() { command touch {mark}; }; touch x",
  "an alias": "shopt -s expand_aliases\nalias t=touch\nt {mark}",
  eval: "eval touch {mark}",
  source: "source /dev/stdin <<< 'touch {mark}'",
  xargs: "echo {mark} | xargs touch",
  "find -exec": "find /etc/hostname -exec touch {mark} ';'",
  awk: "awk 'BEGIN { system(\"touch {mark}\") }'",
  if: "if true; then touch {mark}; fi",
  for: "for f in {mark}; do touch $f; done",
  while: "while touch {mark}; do break; done",
  case: "case x in x) touch {mark};; esac",
  "[[": "[[ -n $(touch {mark}) ]]",
  trap: "trap 'touch {mark}' EXIT",
  coproc: "coproc touch {mark}; wait",
  "cd before it": "cd / && touch {mark}",
  "a comment after it": "touch {mark} # really",
  "a carriage return": "touch {mark}\r",
  "carriage returns between": "true\r\ntouch {mark}",
  "a NUL": "touch {mark}\u0000",
  "a NUL before it": "true\u0000; touch {mark}",
  "a no-break space": "touch\u00a0{mark}",
  "a zero-width space": "true;\u200btouch {mark}",
  "full-width letters": "\uff54ouch {mark}",
  "a line continuation": "tou\\\nch {mark}",
  "a form feed": "\ftouch {mark}",
  "a vertical tab": "true;\vtouch {mark}",
  "a tilde": "touch ~/../marks/$(basename {mark})",
  "a directory stack": "pushd / && touch {mark}",
  "an array": 'a=(touch {mark}); "${a[@]}"',
  "an option before it": "command -p touch {mark}",
  set: "set -- {mark}; touch $1",
  "an unterminated quote": "touch {mark} '",
  "an unterminated heredoc": "touch {mark}; cat <<EOF",
  "a stray parenthesis": "touch {mark} )",
  "a background and a pipe": "touch {mark} |& cat",
  empty: "",
  blank: "   ",
  "a comment only": "# touch {mark}"
}

/** Rules are read in one way, whatever they decide and whatever confines: some forms do for most. */
const some: ReadonlyArray<string> = [
  "plain",
  "by path",
  "by another path",
  "double quotes",
  "quotes within the name",
  "a comment after it",
  "env",
  "exec",
  "bash -c",
  "before 70 KB of words",
  "after 70 KB of words",
  "after &&",
  "after a newline",
  "before a pipe",
  "a subshell",
  "a substitution",
  "a redirection after it",
  "a carriage return",
  "a NUL",
  "a form feed",
  "a vertical tab",
  "an unterminated quote"
]

const of = (
  title: string,
  world: Case["world"],
  start: object,
  names: ReadonlyArray<string> = Object.keys(forms)
): ReadonlyArray<Case> =>
  names
    .map((name) => [name, forms[name] ?? ""] as const)
    .map(([name, cmd]) => ({ name: `${title}: ${name}`, world, start, steps: [{ call: { cmd } }] }))

const forbidden = ruled(rule("forbidden", "touch"))
const prompted = ruled(rule("prompt", "touch"))
const allowed = ruled(rule("allow", "touch"))

export const cases: ReadonlyArray<Case> = [
  ...of("a forbidden command", forbidden, onRequest),
  ...of("a command that asks", prompted, onRequest, some),
  ...of("an allowed command, untrusted", allowed, untrusted),
  ...of("an allowed command, confined", allowed, confined, some)
]
