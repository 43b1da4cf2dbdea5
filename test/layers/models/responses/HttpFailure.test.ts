import { assert, describe, it } from "@effect/vitest"
import type { Failure } from "../../../../src/layers/models/attempts/Failure.ts"
import { ofHttpFailure } from "../../../../src/layers/models/responses/HttpFailure.ts"

const url = "http://model.test/v1/responses"
const now = new Date(2029, 11, 31, 10, 0, 0).getTime()

/** The members of a failure as one row: text, class, level of retries. */
const row = ({ error, retry, silent, status, wait }: Failure) => [
  error.message,
  error.info,
  silent ? `silent, ${retry}` : retry,
  status,
  wait
]

const refusal = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  row(ofHttpFailure({ status, headers, body: typeof body === "string" ? body : JSON.stringify(body), url }, now))

const connection = (status: number) => ({ httpConnectionFailed: { httpStatusCode: status } })

const noRoom =
  "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying."
const busy = "We’re currently experiencing high demand, which may cause temporary errors."

describe("HttpFailure", () => {
  it("reports a bad request with the server's text", () => {
    const body = '{"error":{"message":"bad thing","type":"invalid_request_error","code":"x"}}'
    assert.deepStrictEqual(refusal(400, body), [body, "other", "never", null, null])
    assert.deepStrictEqual(refusal(400, "plain text"), ["plain text", "other", "never", null, null])
    assert.deepStrictEqual(refusal(400, ""), ["", "other", "never", null, null])
  })

  it("maps the error codes of requests", () => {
    const code = (status: number, code: string) => refusal(status, { error: { code, message: "msg" } }).slice(0, 3)
    assert.deepStrictEqual(code(400, "context_length_exceeded"), [noRoom, "contextWindowExceeded", "never"])
    assert.deepStrictEqual(code(400, "cyber_policy"), ["msg", "cyberPolicy", "never"])
    assert.deepStrictEqual(code(400, "invalid_prompt"), ["msg", "other", "never"])
    assert.deepStrictEqual(code(400, "model_not_found"), ["msg", "modelNotFound", "never"])
    assert.deepStrictEqual(code(403, "misalignment_policy_violation"), ["msg", "misalignmentPolicyViolation", "never"])
    assert.deepStrictEqual(code(404, "model_not_found"), ["msg", "modelNotFound", "never"])
    assert.deepStrictEqual(code(404, "cyber_policy"), [
      `unexpected status 404 Not Found: msg, url: ${url}`,
      connection(404),
      "stream"
    ])
  })

  it("retries unexpected statuses, 5xx ones silently", () => {
    const row = (status: number, phrase: string, retry: string) => {
      const message = `unexpected status ${status} ${phrase}: no, url: ${url}`
      assert.deepStrictEqual(refusal(status, { error: { message: "no" } }), [
        message,
        connection(status),
        retry,
        status,
        null
      ])
    }
    row(401, "Unauthorized", "stream")
    row(403, "Forbidden", "stream")
    row(413, "Payload Too Large", "stream")
    row(499, "<unknown status code>", "stream")
    row(502, "Bad Gateway", "silent, stream")
    row(503, "Service Unavailable", "silent, stream")
  })

  it("reports an internal error as high demand", () => {
    assert.deepStrictEqual(refusal(500, { error: { message: "boom" } }), [
      busy,
      "internalServerError",
      "silent, stream",
      null,
      null
    ])
  })

  it("fails for a model at capacity after the silent retries", () => {
    assert.deepStrictEqual(refusal(503, { error: { code: "server_is_overloaded", message: "o" } }), [
      "Selected model is at capacity. Please try a different model.",
      "serverOverloaded",
      "silent, never",
      null,
      null
    ])
    assert.deepStrictEqual(refusal(503, { error: { code: "slow_down", message: "o" } }), [
      "rate limit exceeded: o",
      "rateLimitExceeded",
      "silent, stream",
      null,
      null
    ])
  })

  it("quotes the server's message, else its body, up to 1000 characters", () => {
    const quoted = (body: unknown) => {
      const [message] = refusal(401, body)
      return String(message).slice("unexpected status 401 Unauthorized: ".length, -`, url: ${url}`.length)
    }
    assert.strictEqual(quoted({ error: { message: "  no key " } }), "no key")
    assert.strictEqual(quoted({ error: { message: "" } }), '{"error":{"message":""}}')
    assert.strictEqual(quoted({ error: "text" }), '{"error":"text"}')
    assert.strictEqual(quoted(" \n<html>\n"), "<html>")
    assert.strictEqual(quoted(""), "Unknown error")
    assert.strictEqual(quoted("y".repeat(5000)), `${"y".repeat(1000)}...`)
  })

  it("adds the ids for a support request", () => {
    const headers = { "x-request-id": "req_1", "cf-ray": "ray_1", "x-openai-authorization-error": "ae" }
    assert.strictEqual(
      refusal(401, "no", headers)[0],
      `unexpected status 401 Unauthorized: no, url: ${url}, cf-ray: ray_1, request id: req_1, auth error: ae`
    )
  })

  it("retries after status 429 only when the server gives a delay", () => {
    const text = "exceeded retry limit, last status: 429 Too Many Requests"
    const info = { responseTooManyFailedAttempts: { httpStatusCode: 429 } }
    const after = (header: string) => refusal(429, "slow", { "retry-after": header })
    assert.deepStrictEqual(refusal(429, "slow"), [text, info, "never", 429, null])
    assert.deepStrictEqual(after("2"), [text, info, "stream", 429, 2000])
    assert.deepStrictEqual(after("0"), [text, info, "stream", 429, 0])
    assert.deepStrictEqual(after(new Date(now + 3000).toUTCString()), [text, info, "stream", 429, 3000])
    assert.deepStrictEqual(after("0.5"), [text, info, "never", 429, null])
    assert.deepStrictEqual(after("soon"), [text, info, "never", 429, null])
    assert.deepStrictEqual(after("3600"), [text, info, "stream", 429, 3_600_000])
    for (const never of ["3601", "1000000000", "9".repeat(30), "Fri, 31 Dec 9999 23:59:59 GMT", "-5", "NaN", "1e9", ""])
      assert.deepStrictEqual(after(never), [text, info, "never", 429, null])
  })

  it("distinguishes an exhausted plan from status 429", () => {
    const quota = ["Quota exceeded. Check your plan and billing details.", "usageLimitExceeded", "never", null, null]
    assert.deepStrictEqual(refusal(429, { error: { code: "insufficient_quota" } }), quota)
    assert.deepStrictEqual(refusal(429, { error: { type: "insufficient_quota" } }), quota)
    assert.deepStrictEqual(refusal(429, { error: { type: "usage_not_included" } }).slice(1, 3), [
      "usageLimitExceeded",
      "never"
    ])
    assert.deepStrictEqual(refusal(429, { error: { code: "flex_unavailable" } }).slice(0, 3), [
      "Flex capacity unavailable.",
      "flexUnavailable",
      "never"
    ])
  })

  it("reports when an exhausted plan is renewed, with advice", () => {
    const limit = (error: object, headers: Record<string, string> = {}) =>
      String(refusal(429, { error: { type: "usage_limit_reached", ...error } }, headers)[0])
    assert.strictEqual(limit({}), "You’ve hit your usage limit. Try again later.")
    assert.strictEqual(limit({ plan_type: "constructor" }), "You’ve hit your usage limit. Try again later.")
    assert.strictEqual(
      limit({ plan_type: "plus", resets_at: new Date(2030, 0, 1, 0, 0).getTime() / 1000 }),
      "You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/settings/usage to purchase more credits or try again at Jan 1st, 2030 12:00 AM."
    )
    assert.strictEqual(
      limit({ plan_type: "free", resets_at: new Date(2029, 11, 31, 23, 5).getTime() / 1000 }),
      "You’ve hit your usage limit. Upgrade to Plus to continue using Codex (https://chatgpt.com/explore/plus), or try again at 11:05 PM."
    )
    assert.strictEqual(
      limit({ resets_at: new Date(2030, 1, 12, 12, 30).getTime() / 1000 }),
      "You’ve hit your usage limit. Try again at Feb 12th, 2030 12:30 PM."
    )
    assert.strictEqual(
      limit({}, { "x-codex-promo-message": "Promo!" }),
      "You’ve hit your usage limit. Promo!, or try again later."
    )
    assert.strictEqual(
      limit({}, { "x-codex-active-limit": "codex_other", "x-codex-other-limit-name": "other" }),
      "You’ve hit your usage limit for other. Switch to another model now, or try again later."
    )
  })
})
