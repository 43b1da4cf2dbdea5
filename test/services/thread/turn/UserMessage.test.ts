import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { toModel } from "../../../../src/services/thread/turn/UserMessage.ts"
import { MaxImageBytes } from "../../../../src/services/tool/LocalImage.ts"
import * as MemoryFiles from "../../../support/MemoryFiles.ts"

const entryFor = (path: string, files: MemoryFiles.MemoryFiles) =>
  Effect.map(toModel([{ type: "localImage", path }], "high").pipe(Effect.provide(files.layer)), (item) =>
    item?.type === "message" ? item.content : []
  )

const unreadable = (path: string, why: string) => [
  { type: "input_text" as const, text: `Codex could not read the local image at \`${path}\`: ${why}` }
]

describe("a local image", () => {
  it.effect("is sent unchanged, between texts that name it; its bytes decide what it is", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* entryFor("/a.PNG", MemoryFiles.make({ "/a.PNG": "GIF89a pixels" })), [
        { type: "input_text", text: '<image name=[Image #1] path="/a.PNG">' },
        { type: "input_image", image_url: "data:image/gif;base64,R0lGODlhIHBpeGVscw==", detail: "high" },
        { type: "input_text", text: "</image>" }
      ])
    })
  )

  it.effect("that is missing, unsupported or not a file becomes an error text for the model", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make({ "/dir.png/file": "", "/zero.png": "", "/a.tiff": "" })
      files.lock("/zero.png", "slow")
      assert.deepStrictEqual(
        yield* entryFor("/none.png", files),
        unreadable("/none.png", "No such file or directory (os error 2)")
      )
      assert.deepStrictEqual(yield* entryFor("/dir.png", files), unreadable("/dir.png", "not a regular file"))
      assert.deepStrictEqual(
        yield* entryFor("/zero.png", files),
        unreadable("/zero.png", "the file system does not answer")
      )
      assert.deepStrictEqual(yield* entryFor("/a.tiff", files), unreadable("/a.tiff", "unsupported image type"))
      assert.deepStrictEqual(files.reads, ["/none.png", "/dir.png", "/zero.png", "/a.tiff"])
    })
  )

  it.effect("must not exceed its limit", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make({ "/big.png": "x".repeat(MaxImageBytes + 1) })
      assert.deepStrictEqual(
        yield* entryFor("/big.png", files),
        unreadable("/big.png", `larger than ${MaxImageBytes} bytes`)
      )
    })
  )
})
