import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Instructions from "../../../src/services/thread/Instructions.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"

const load = (files: Readonly<Record<string, string>>, projectDocMaxBytes = 1000) => {
  const memory = MemoryFiles.make(files)
  return Instructions.load({
    home: "/home",
    cwd: "/work/project/package",
    timeZone: "Europe/Berlin",
    localDate: () => "2026-11-21",
    baseInstructions: null,
    developerInstructions: null,
    projectDocMaxBytes
  }).pipe(Effect.provide(memory.layer))
}

/** The documents as the model is told of them, without what follows. */
const documentsIn = ({ preamble }: Instructions.Instructions): ReadonlyArray<string> => {
  const message = preamble.at(-1)
  const parts = message?.type === "message" ? message.content : []
  return parts.flatMap((part) => (part.type === "input_text" && part.text.startsWith("# ") ? [part.text] : []))
}

it.effect("tells the user's own file first, then those from the project's root down, and nothing above it", () =>
  Effect.gen(function* () {
    const loaded = yield* load({
      "/work/project/.git/HEAD": "",
      "/home/AGENTS.md": "mine",
      "/work/AGENTS.md": "above",
      "/work/project/AGENTS.md": "root",
      "/work/project/package/AGENTS.md": " \n"
    })
    assert.deepStrictEqual(loaded.sources, ["/home/AGENTS.md", "/work/project/AGENTS.md"])
    assert.deepStrictEqual(documentsIn(loaded), [
      "# AGENTS.md instructions from /home/AGENTS.md\n\nmine",
      "# AGENTS.md instructions from /work/project/AGENTS.md\n\nroot"
    ])
  })
)

it.effect("looks nowhere but into the working folder where no project is", () =>
  Effect.gen(function* () {
    const { sources } = yield* load({ "/work/AGENTS.md": "above", "/work/project/package/AGENTS.md": "here" })
    assert.deepStrictEqual(sources, ["/work/project/package/AGENTS.md"])
  })
)

it.effect("tells where and when it is, in the user's time zone", () =>
  Effect.gen(function* () {
    const { preamble } = yield* load({})
    assert.deepStrictEqual(preamble.at(-1), {
      type: "message",
      role: "user",
      content: [
        {
          type: "input_text",
          text: [
            "<environment_context>",
            "  <cwd>/work/project/package</cwd>",
            "  <shell>bash</shell>",
            "  <current_date>2026-11-21</current_date>",
            "  <timezone>Europe/Berlin</timezone>",
            "</environment_context>"
          ].join("\n")
        }
      ]
    })
  })
)

it.effect("cuts the file that exceeds the budget and tells none behind it", () =>
  Effect.gen(function* () {
    const files = { "/home/AGENTS.md": "12345", "/work/project/package/AGENTS.md": "67890" }
    assert.deepStrictEqual(documentsIn(yield* load(files, 4)), [
      "# AGENTS.md instructions from /home/AGENTS.md\n\n1234"
    ])
  })
)
