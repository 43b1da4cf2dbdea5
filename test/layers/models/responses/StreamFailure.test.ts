import { assert, describe, it } from "@effect/vitest"
import { ofFailedResponse, ofIncompleteResponse } from "../../../../src/layers/models/responses/StreamFailure.ts"

const failed = (error?: object) => {
  const { error: shown, retry, wait } = ofFailedResponse(error === undefined ? {} : { error })
  return [shown.message, shown.info, retry, wait]
}

describe("StreamFailure", () => {
  it("maps the error codes of a failed response", () => {
    const code = (code: string) => failed({ code, message: "msg" })
    assert.deepStrictEqual(code("context_length_exceeded"), [
      "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
      "contextWindowExceeded",
      "never",
      null
    ])
    assert.deepStrictEqual(code("insufficient_quota"), [
      "Quota exceeded. Check your plan and billing details.",
      "usageLimitExceeded",
      "never",
      null
    ])
    assert.deepStrictEqual(code("server_is_overloaded"), [
      "Selected model is at capacity. Please try a different model.",
      "serverOverloaded",
      "never",
      null
    ])
    assert.deepStrictEqual(code("policy_capacity_unavailable"), [
      "Policy-restricted capacity is unavailable. Please try again later.",
      "policyCapacityUnavailable",
      "never",
      null
    ])
    assert.deepStrictEqual(code("flex_unavailable"), ["Flex capacity unavailable.", "flexUnavailable", "never", null])
    assert.deepStrictEqual(code("invalid_prompt"), ["msg", "other", "never", null])
    assert.deepStrictEqual(code("bio_policy"), ["msg", "other", "never", null])
    assert.deepStrictEqual(code("cyber_policy"), ["msg", "cyberPolicy", "never", null])
    assert.deepStrictEqual(code("model_not_found"), ["msg", "modelNotFound", "never", null])
    assert.deepStrictEqual(code("inference_hook_denied"), ["msg", "inferenceHookDenied", "never", null])
    assert.deepStrictEqual(code("misalignment_policy_violation"), ["msg", "misalignmentPolicyViolation", "never", null])
    assert.deepStrictEqual(code("rate_limit_exceeded"), [
      "rate limit exceeded: msg",
      "rateLimitExceeded",
      "stream",
      null
    ])
  })

  it("quotes up to 64 KiB of the server's text", () => {
    assert.strictEqual(failed({ code: "invalid_prompt", message: "x".repeat(100_000) })[0], "x".repeat(65_536))
  })

  it("treats any other failure as a broken stream", () => {
    const broken = (reason: string) => [`stream disconnected before completion: ${reason}`, "other", "stream", null]
    assert.deepStrictEqual(failed({ code: "server_error", message: "oops" }), broken("oops"))
    assert.deepStrictEqual(failed({ code: "constructor", message: "oops" }), broken("oops"))
    assert.deepStrictEqual(failed({ code: null, message: "hm" }), broken("hm"))
    assert.deepStrictEqual(failed({ code: "zzz" }), broken(""))
    assert.deepStrictEqual(failed(), broken("response.failed event received"))
  })

  it("reads the delay from the text of a rate limit", () => {
    const wait = (message: string) => failed({ code: "rate_limit_exceeded", message })[3]
    assert.strictEqual(wait("Rate limit reached. Please try again in 1.5s."), 1500)
    assert.strictEqual(wait("Please try again in 3601s"), null)
    assert.strictEqual(wait(`Please try again in ${"9".repeat(400)}s`), null)
    assert.strictEqual(wait("try again in 300ms"), 300)
    assert.strictEqual(wait("Try again in 2 seconds"), 2000)
    assert.strictEqual(wait("try again in 0.5 s"), 500)
    assert.strictEqual(wait("try again in 1m"), null)
    assert.strictEqual(wait("try again in 1.s"), null)
    assert.strictEqual(wait("try again soon"), null)
  })

  it("treats an incomplete response as final, unless it was filtered", () => {
    const incomplete = (response: object) => {
      const { error, retry } = ofIncompleteResponse({ ...response })
      return [error.message, error.info, retry]
    }
    assert.deepStrictEqual(incomplete({ incomplete_details: { reason: "max_output_tokens" } }), [
      "Incomplete response returned, reason: max_output_tokens",
      "other",
      "never"
    ])
    assert.deepStrictEqual(incomplete({}), ["Incomplete response returned, reason: unknown", "other", "never"])
    assert.deepStrictEqual(incomplete({ incomplete_details: { reason: "content_filter" } }), [
      "stream disconnected before completion: Incomplete response returned, reason: content_filter",
      "other",
      "stream"
    ])
  })
})
