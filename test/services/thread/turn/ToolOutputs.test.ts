import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { MaxImages, MaxImageUrl, MaxText, toItem, toModel } from "../../../../src/services/thread/turn/ToolOutputs.ts"
import { text, type ToolContent } from "../../../../src/services/tool/Tool.ts"

const outputOf = (...content: ReadonlyArray<ToolContent>) => toModel({ content, success: true })

const image = (url: string): ToolContent => ({ type: "image", url })

const png = "data:image/png;base64,AA"

const Part = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }),
  Schema.Struct({ type: Schema.Literal("structured"), value: Schema.Json })
])

describe("the output of a tool", () => {
  it("is a single text if possible, and parts otherwise", () => {
    assert.strictEqual(toModel(text("a")), "a")
    assert.strictEqual(outputOf({ type: "structured", value: { a: 1 } }), '{"a":1}')
    assert.deepStrictEqual(outputOf(), [])
    assert.deepStrictEqual(outputOf({ type: "image", url: png, detail: "low" }), [
      { type: "input_image", image_url: png, detail: "low" }
    ])
  })

  it("is truncated to its limits, with a note", () => {
    const note = (text: string) => ({ type: "input_text" as const, text })
    assert.deepStrictEqual(outputOf({ type: "text", text: "x".repeat(MaxText + 1) }, { type: "text", text: "more" }), [
      note("x".repeat(MaxText)),
      note("output cut: it is longer than 1048576 characters")
    ])
    assert.deepStrictEqual(
      outputOf(image(`${png}${"A".repeat(MaxImageUrl)}`), image("file:///etc/passwd"), image("https://host/a.png")),
      [
        note("image content omitted because it is larger than 20 MiB"),
        note("image content omitted because it could not be processed"),
        { type: "input_image", image_url: "https://host/a.png" }
      ]
    )
    const large = image(`${png}${"A".repeat(MaxImageUrl - png.length)}`)
    assert.deepStrictEqual(outputOf(large, large, image(png)).slice(2), [
      note("image content omitted because the images of a call exceed 40 MiB")
    ])
    const many = outputOf(...Array.from({ length: MaxImages + 3 }, () => image(png)))
    assert.strictEqual(many.length, MaxImages + 1)
    assert.deepStrictEqual(many.at(-1), note("images omitted: a call brings back 16 at most"))
  })

  it.prop("has the same parts for the model and in an item", [Arbitrary.schema(Schema.Array(Part))], ([content]) => {
    const body = toModel({ content, success: true })
    const texts = typeof body === "string" ? [body] : body.map((part) => ("text" in part ? part.text : ""))
    assert.deepStrictEqual(
      toItem(body),
      texts.map((text) => ({ type: "inputText", text }))
    )
  })
})
