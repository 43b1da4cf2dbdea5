/**
 * What can go wrong with a model server, in the words and classes of the release.
 *
 * Owns what a broken connection, a `response.failed` event or a code of the server stands for. HTTP answers that are no
 * stream are in `Refusal.ts`.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import { type Failure, failure } from "../attempts/Failure.ts"
import { type JsonObject, objectIn, stringIn } from "./Json.ts"

/** The request cannot be made at all: no key, no such provider, a bad address. */
export const unsendable = (message: string): Failure => failure(message, "other")

/** The stream ended before the answer was complete. `reason` is a fixed text or the server's own. */
export const disconnected = (reason: string): Failure =>
  failure(`stream disconnected before completion: ${reason}`, "other", { retry: "stream" })

/** The connection broke before an answer came. */
export const notAnswered = (): Failure => ({ ...disconnected("error sending request"), silent: true })

/** There is no way to the server: nobody listens there, or its name does not resolve. */
export const unreachable = (): Failure =>
  failure("Connection failed: error sending request", "other", { retry: "network", silent: true })

/** The connection broke while the answer was streamed. */
export const cut = (): Failure => disconnected("Transport error: network error: error decoding response body")

/** The answer was over, but its end had not been announced. */
export const endedEarly = (): Failure => disconnected("stream closed before response.completed")

/** No event came for `stream_idle_timeout_ms`. */
export const idle = (): Failure => disconnected("idle timeout waiting for SSE")

/** The answer is not text. */
export const notText = (): Failure => disconnected("UTF8 error: invalid utf-8 sequence of 1 bytes from index 0")

/** One event is larger than what this server is ready to hold. */
export const eventTooLarge = (): Failure => disconnected("SSE event exceeds the size limit")

/** The plan or the budget behind the key is used up. */
export const quotaExceeded = (): Failure =>
  failure("Quota exceeded. Check your plan and billing details.", "usageLimitExceeded")

/** The account's plan does not include this use. */
export const notIncluded = (): Failure =>
  failure(
    "To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus.",
    "usageLimitExceeded"
  )

/** The model has no capacity left. */
export const overloaded = (): Failure =>
  failure("Selected model is at capacity. Please try a different model.", "serverOverloaded")

/** The cheaper service tier has no capacity left. */
export const flexUnavailable = (): Failure => failure("Flex capacity unavailable.", "flexUnavailable")

/** The milliseconds in "Please try again in 1.5s". Minutes are not understood, as in the release. */
const waitIn = (message: string): number | null => {
  const found = /try again in\s*(\d+(?:\.\d+)?)\s*(ms|s)/i.exec(message)
  if (found === null) return null
  return Number(found[1]) * (found[2]?.toLowerCase() === "ms" ? 1 : 1000)
}

/** Too much was asked in too short a time. */
export const rateLimited = (message: string): Failure =>
  failure(`rate limit exceeded: ${message}`, "rateLimitExceeded", { retry: "stream", wait: waitIn(message) })

type Codes = ReadonlyMap<string, (message: string) => Failure>

/** Codes that a refused request and a failed response share; none of them is worth another try. */
export const refusedCodes: Codes = new Map([
  ["bio_policy", (message: string) => failure(message, "other")],
  [
    "context_length_exceeded",
    () =>
      failure(
        "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
        "contextWindowExceeded"
      )
  ],
  [
    "cyber_policy",
    (message) =>
      failure(
        message === "" ? "This request has been flagged for possible cybersecurity risk." : message,
        "cyberPolicy"
      )
  ],
  ["invalid_prompt", (message) => failure(message === "" ? "Invalid request." : message, "other")],
  ["misalignment_policy_violation", (message) => failure(message, "misalignmentPolicyViolation")],
  ["model_not_found", (message) => failure(message === "" ? "model_not_found" : message, "modelNotFound")]
])

const failedCodes: Codes = new Map([
  ...refusedCodes,
  ["flex_unavailable", flexUnavailable],
  ["inference_hook_denied", (message: string) => failure(message, "inferenceHookDenied")],
  ["insufficient_quota", quotaExceeded],
  [
    "policy_capacity_unavailable",
    () => failure("Policy-restricted capacity is unavailable. Please try again later.", "policyCapacityUnavailable")
  ],
  ["rate_limit_exceeded", rateLimited],
  ["server_is_overloaded", overloaded],
  ["slow_down", rateLimited],
  ["usage_not_included", notIncluded]
])

/** From the `response` of a `response.failed` event. */
export const ofFailedResponse = (response: JsonObject): Failure => {
  const error = response["error"]
  if (!Predicate.isObject(error)) return disconnected("response.failed event received")
  const message = stringIn(error, "message") ?? ""
  return failedCodes.get(stringIn(error, "code") ?? "")?.(message) ?? disconnected(message)
}

/** From the `response` of a `response.incomplete` event. A filtered answer may turn out better the next time. */
export const ofIncompleteResponse = (response: JsonObject): Failure => {
  const reason = stringIn(objectIn(response, "incomplete_details"), "reason") ?? "unknown"
  const message = `Incomplete response returned, reason: ${reason}`
  return reason === "content_filter" ? disconnected(message) : failure(message, "other")
}
