import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { EscapedMark, plain, shown, shownOnOneLine } from "../../../src/program/console/ShownText.ts"

const Escapes = Schema.Literals(["\u001B[31m", "\u001B]0;title\u0007", "\u001B", "\u009B2J", "\r", "\u0000", "\u007F"])

describe("plain", () => {
  it.prop(
    "removes everything that moves the cursor or rings the bell",
    [Schema.Array(Schema.Union([Schema.String, Escapes]))],
    ([pieces]) => {
      assert.notMatch(plain(pieces.join("")).replaceAll(/[\n\t]/g, ""), /\p{Cc}/u)
    }
  )

  it.prop("keeps every other character", [Schema.String], ([text]) => {
    const harmless = text.replaceAll(/\p{Cc}/gu, "") + "\n\té😀"
    assert.strictEqual(plain(harmless), harmless)
  })

  it("removes characters that reorder text", () => {
    assert.strictEqual(plain("a\u202Eb\u202Ac\u2066d\u2069e \u05D0"), "abcde \u05D0")
  })
})

/** Characters that a terminal interprets, hides or shows as a blank, and the characters of their escapes. */
const Tricky = Schema.Literals([
  "\u001B]0; touch HIDDEN #\u0007",
  "\u001B[8m",
  "\u009D",
  "\r",
  "\n",
  "\t",
  "\u0000",
  "\u007F",
  "\u00A0",
  "\u00AD",
  "\u115F",
  "\u200B",
  "\u200E",
  "\u2028",
  "\u2029",
  "\u202E",
  "\u2066",
  "\u2800",
  "\u3164",
  "\uFE0F",
  "\uFEFF",
  "\uD800",
  "\u{E0041}",
  "\u{E0FFF}",
  "\\",
  "\\n",
  "\\x1b",
  "\\u202e",
  "\\u{e0041}",
  "\n> ",
  EscapedMark
])
const Text = Schema.Array(Schema.Union([Tricky, Schema.String]))

const characters = { n: "\n", r: "\r", t: "\t", "\\": "\\" } as const

/** The inverse of `shown`. */
const unshown = (text: string): string => {
  if (!text.startsWith(EscapedMark)) return text
  return text
    .slice(EscapedMark.length)
    .replace(/\\(?:([nrt\\])|x([\da-f]{2})|u([\da-f]{4})|u\{([\da-f]+)\})/g, (_, name, short, middle, long) =>
      name === undefined
        ? String.fromCodePoint(Number.parseInt(short ?? middle ?? long, 16))
        : characters[name as keyof typeof characters]
    )
}

const hidden = /[^\P{C}\n\t]|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}/u

describe.each([
  ["shown", shown, (text: string) => unshown(text.replaceAll("\n> ", "\n"))],
  ["shownOnOneLine", shownOnOneLine, unshown]
] as const)("%s", (_, show, back) => {
  it.prop("is reversible, and contains no character that a terminal interprets", [Text], ([pieces]) => {
    // Unassigned and private-use characters are drawn as boxes.
    const text = pieces
      .join("")
      .replaceAll(/[\p{Cn}\p{Co}]/gu, (character) =>
        /\p{Default_Ignorable_Code_Point}/u.test(character) ? character : ""
      )
    const line = show(text)
    assert.notMatch(line, hidden)
    assert.strictEqual(back(line), text)
  })
})

it.each([
  ["echo hi \u001B]0; touch HIDDEN #\u0007", `${EscapedMark}echo hi \\x1b]0; touch HIDDEN #\\x07`],
  ["echo a\rb", `${EscapedMark}echo a\\rb`],
  ["echo \u202Ea\u200Bb\u{E0041}", `${EscapedMark}echo \\u202ea\\u200bb\\u{e0041}`],
  ["printf 'a\\r'\u0007", `${EscapedMark}printf 'a\\\\r'\\x07`],
  ["rm a\u00A0b", `${EscapedMark}rm a\\xa0b`],
  [`${EscapedMark}x`, `${EscapedMark}${EscapedMark}x`],
  ["tr -d '\\r'\tx", "tr -d '\\r'\tx"],
  ["echo é 日本 👍", "echo é 日本 👍"],
  ["ls\n└ exit 0", "ls\n> └ exit 0"]
])("shows %j as printable text", (text, line) => {
  assert.strictEqual(shown(text), line)
})

it("shows line ends on one line as escapes", () => {
  assert.strictEqual(shownOnOneLine("/a\n  in /safe\t"), `${EscapedMark}/a\\n  in /safe\\t`)
})
