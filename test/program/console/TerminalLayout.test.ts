import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { TerminalLayout } from "../../../src/program/console/TerminalLayout.ts"
import { layerTest, TerminalConsole, type Written } from "../../../src/program/console/Console.ts"

const Step = Schema.Struct({
  kind: Schema.Literals(["block", "lines", "text"]),
  stream: Schema.Literals(["err", "out"]),
  text: Schema.Literals(["a", "b\n", "c\nd", ""])
})

const page = (terminals: ReadonlyArray<"err" | "out">, written: Array<Written>) =>
  Effect.provide(
    Effect.map(TerminalConsole, (screen) => ({ page: new TerminalLayout(screen), screen })),
    layerTest({ written, terminals })
  )

const together = (written: ReadonlyArray<Written>, stream?: "err" | "out"): string =>
  written
    .filter((piece) => stream === undefined || piece.stream === stream)
    .map(({ text }) => text)
    .join("")

describe("TerminalLayout", () => {
  it.effect.prop(
    "separates blocks by one blank line and does not mix lines, on either stream of a terminal",
    [Schema.Array(Step)],
    ([steps]) =>
      Effect.gen(function* () {
        const written: Array<Written> = []
        const { page: sheet, screen } = yield* page(["err", "out"], written)
        for (const { kind, stream, text } of steps) {
          const before = together(written)
          if (kind === "text") yield* sheet.text(screen[stream], text)
          if (kind === "lines") yield* sheet.lines(screen[stream], text)
          if (kind === "block") yield* sheet.block(screen[stream], text)
          const added = together(written).slice(before.length)
          const lineEnd = before === "" || before.endsWith("\n") ? "" : "\n"
          const last = written.findLast((piece) => piece.text !== "")
          if (kind === "lines") assert.strictEqual(added, `${lineEnd}${text}\n`)
          if (kind === "block") assert.strictEqual(added, `${lineEnd}${before === "" ? "" : "\n"}${text}\n`)
          if (kind !== "text") assert.strictEqual(last?.stream, stream)
        }
      })
  )

  it.effect("does not add line ends to a pipe that is not the terminal", () =>
    Effect.gen(function* () {
      const written: Array<Written> = []
      const { page: sheet, screen } = yield* page(["err"], written)
      yield* sheet.block(screen.err, "$ ls")
      yield* sheet.block(screen.out)
      yield* sheet.text(screen.out, "the answer, ")
      yield* sheet.block(screen.err, "$ pwd")
      yield* sheet.text(screen.out, "in one piece")
      yield* sheet.endLine(screen.out)
      assert.deepStrictEqual(
        { out: together(written, "out"), err: together(written, "err") },
        { out: "the answer, in one piece\n", err: "$ ls\n\n$ pwd\n" }
      )
    })
  )

  it.effect("shows progress at the bottom of a terminal until something is written", () =>
    Effect.gen(function* () {
      const written: Array<Written> = []
      const { page: sheet, screen } = yield* page(["err", "out"], written)
      yield* sheet.progress("working, 1 s")
      yield* sheet.progress("working, 2 s")
      yield* sheet.text(screen.out, "done")
      yield* sheet.progress("in the middle of a line")
      assert.deepStrictEqual(written, [
        { stream: "err", text: "\r\u001B[2Kworking, 1 s" },
        { stream: "err", text: "\r\u001B[2Kworking, 2 s" },
        { stream: "err", text: "\r\u001B[2K" },
        { stream: "out", text: "done" }
      ])
    })
  )

  it.effect("shows no progress when stderr is not a terminal", () =>
    Effect.gen(function* () {
      const written: Array<Written> = []
      const { page: sheet } = yield* page(["out"], written)
      yield* sheet.progress("working, 1 s")
      assert.deepStrictEqual(written, [])
    })
  )
})
