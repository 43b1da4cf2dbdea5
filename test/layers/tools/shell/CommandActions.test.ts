import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { commandActions } from "../../../../src/layers/tools/shell/CommandActions.ts"
import { read } from "../../../../src/layers/tools/shell/Script.ts"
import type { CommandAction } from "../../../../src/protocol/v2/item/CommandAction.ts"

const actionsOf = (source: string): ReadonlyArray<CommandAction> => commandActions(source, read(source), "/w")

const reads = (command: string, name: string, path = `/w/${name}`): CommandAction => ({
  type: "read",
  command,
  name,
  path
})
const lists = (command: string, path: string | null = null): CommandAction => ({ type: "listFiles", command, path })
const searches = (command: string, query: string | null, path: string | null = null): CommandAction => ({
  type: "search",
  command,
  query,
  path
})

/** As parsed by the released server, except for a file's directory. */
const known: ReadonlyArray<readonly [source: string, actions: ReadonlyArray<CommandAction>]> = [
  ["cat a.txt", [reads("cat a.txt", "a.txt")]],
  ["cat -n a.txt", [reads("cat -n a.txt", "a.txt")]],
  ["cat 'my file.txt'", [reads("cat 'my file.txt'", "my file.txt")]],
  ['cat "a b"', [reads("cat 'a b'", "a b")]],
  ["cat -- -x", [reads("cat -- -x", "-x")]],
  ["cat src/a/c.txt", [reads("cat src/a/c.txt", "c.txt", "/w/src/a/c.txt")]],
  ["cat /abs/dist/x.js", [reads("cat /abs/dist/x.js", "x.js", "/abs/dist/x.js")]],
  ["head -n 5 a.txt", [reads("head -n 5 a.txt", "a.txt")]],
  ["head -n5 a", [reads("head -n5 a", "a")]],
  ["tail -n +10 a.txt", [reads("tail -n +10 a.txt", "a.txt")]],
  ["sed -n '1,20p' a.txt", [reads("sed -n 1,20p a.txt".replace("1,20p", "'1,20p'"), "a.txt")]],
  ["nl -ba a.txt", [reads("nl -ba a.txt", "a.txt")]],
  ["awk '{print}' a", [reads("awk '{print}' a", "a")]],
  ["ls", [lists("ls")]],
  ["ls -la src", [lists("ls -la src", "src")]],
  ["ls --color=auto src", [lists("ls '--color=auto' src", "src")]],
  ["ls -I x src", [lists("ls -I x src", "src")]],
  ["ls a/src", [lists("ls a/src", "a")]],
  ["ls ./src/", [lists("ls ./src/", ".")]],
  ["rg --files src", [lists("rg --files src", "src")]],
  ["rg --files -g '*.zz'", [lists("rg --files -g '*.zz'")]],
  ["git ls-files src", [lists("git ls-files src", "src")]],
  ["find . -type f", [lists("find . -type f", ".")]],
  ["tree -L 2 src", [lists("tree -L 2 src", "src")]],
  ["fd -t f", [lists("fd -t f")]],
  ["rg", [searches("rg", null)]],
  ["rg -n 'foo bar' src/a.ts", [searches("rg -n 'foo bar' src/a.ts", "foo bar", "a.ts")]],
  ["rg -A 3 foo src", [searches("rg -A 3 foo src", "foo", "src")]],
  ["rg foo src/dist/y", [searches("rg foo src/dist/y", "foo", "y")]],
  ["grep -rn 'a b' .", [searches("grep -rn 'a b' .", "a b", ".")]],
  ["git grep foo src", [searches("git grep foo src", "foo", "src")]],
  ["find src -name '*.ts'", [searches("find src -name '*.ts'", "*.ts", "src")]],
  ["fd foo src", [searches("fd foo src", "foo", "src")]],
  // formatters of another's output and changes of the directory are not actions
  [
    "cat /etc/hostname | head -n 1 && ls -la d && rg --files",
    [reads("cat /etc/hostname", "hostname", "/etc/hostname"), lists("ls -la d", "d"), lists("rg --files")]
  ],
  ["cat a | sort | uniq | wc -l", [reads("cat a", "a")]],
  ["cat a | grep foo", [reads("cat a", "a"), searches("grep foo", "foo")]],
  ["cat a || true", [reads("cat a", "a")]],
  ["echo hi && cat a", [reads("cat a", "a")]],
  ["cat a\ncat b", [reads("cat a", "a"), reads("cat b", "b")]],
  ["cd src && cd lib && cat a.txt", [reads("cat a.txt", "a.txt", "/w/src/lib/a.txt")]],
  ["cd /abs; cat ../b", [reads("cat ../b", "b", "/b")]]
]

/** An unknown command, or a script that is not plain, makes the whole unknown. */
const unknown = [
  "npm test", "cat a && npm test", "cat a && echo done", "ls && pwd", "cat a b", "cat", "cat -", "cat $X", "cat *.ts",
  "cat a\\ b", "ls ~/x", "cat a > b", "cat < a", "cat a &", "(cat a)", "{ cat a; }", "time cat a", "! cat a",
  "bash -c 'cat a'", "sed -i s/a/b/ f", "head -5 a.txt", "tail -f a", "wc -l a", "git status", "cd src", "", "  ",
  "cat 'a", "constructor a", "__proto__", "cat a | jq ."
] // prettier-ignore

describe("the actions of a command", () => {
  it.each(known)("%s", (source, actions) => {
    assert.deepStrictEqual(actionsOf(source), actions)
  })

  it.each(unknown)("are unknown for %j", (source) => {
    assert.deepStrictEqual(actionsOf(source), [{ type: "unknown", command: source }])
  })

  it.prop("exist for any text", [Schema.String], ([source]) => {
    assert.isAbove(actionsOf(source).length, 0)
  })

  const Piece = Schema.Literals([
    "cat ", "rg ", "a", " -n ", "'", '"', "$(", ")", "`", "|", "&&", ";", "\n", "{", "}", "<<E", "\\", "(", "cd ", "*", "~"
  ]) // prettier-ignore
  it.prop("exist for any sequence of shell syntax", [Schema.Array(Piece)], ([pieces]) => {
    assert.isAbove(actionsOf(pieces.join("")).length, 0)
  })

  it("exist for an extremely nested script", () => {
    const source = "$(".repeat(30_000)
    assert.deepStrictEqual(actionsOf(source), [{ type: "unknown", command: source }])
  })

  it("are unknown for a script of more than 256 commands", () => {
    const most = "cat a\n".repeat(256)
    assert.deepStrictEqual(
      actionsOf(most),
      Array.from({ length: 256 }, () => reads("cat a", "a"))
    )
    for (const source of [`${most}cat a`, `${"cd a && ".repeat(8000)}cat b`]) {
      assert.deepStrictEqual(actionsOf(source), [{ type: "unknown", command: source }])
    }
  })

  it("are unknown for words and folders that are longer than a path", () => {
    const folder = "a".repeat(4000)
    const slashes = `cat ${"/".repeat(60_000)}a`
    for (const source of [slashes, `cd ${folder} && cd ${folder} && cat b`]) {
      assert.deepStrictEqual(actionsOf(source), [{ type: "unknown", command: source }])
    }
    assert.deepStrictEqual(actionsOf(`cd ${folder} && cat b`), [reads("cat b", "b", `/w/${folder}/b`)])
  })
})
