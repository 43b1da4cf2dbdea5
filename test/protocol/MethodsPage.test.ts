import { describe, expect, it } from "@effect/vitest"
import { methodsPage } from "../support/MethodsPage.ts"

describe("docs/methods.md", () => {
  it("is what `npm run docs:methods` writes", async () => {
    await expect(methodsPage()).toMatchFileSnapshot("../../docs/methods.md")
  })
})
