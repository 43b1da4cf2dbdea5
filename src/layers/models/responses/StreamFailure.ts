/**
 * The failures of a model server, with the texts and classes of the release.
 *
 * Owns the meaning of a broken connection, a `response.failed` event and a server's error code. HTTP error responses are in
 * `HttpFailure.ts`.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import { ModelError } from "../../../services/model/ModelProvider.ts"
import { type Evidence, type Failure, failure } from "../attempts/Failure.ts"
import { type JsonObject, objectIn, stringIn } from "./Json.ts"

/** The request cannot be sent: no key, an unknown provider, an invalid address, a body that is not JSON. */
export const unsendable = (message: string): Failure => failure(message, "other")

/** The conversation, a tool or the output schema cannot be encoded: nested too deeply, or too long for a string. */
export const unwritable = (): Failure => unsendable("the request to the model cannot be written as JSON")

/** The stream ended before the answer was complete. `reason` is a fixed text or the server's own. */
export const disconnected = (reason: string): Failure =>
  failure(`stream disconnected before completion: ${reason}`, "other", { retry: "stream" })

/** The connection broke before a response. */
export const notAnswered = (evidence?: Evidence): Failure => ({
  ...disconnected("error sending request"),
  silent: true,
  ...(evidence === undefined ? {} : { evidence })
})

/** The server is unreachable: the connection is refused, or its name does not resolve. */
export const unreachable = (evidence: Evidence): Failure =>
  failure("Connection failed: error sending request", "other", { retry: "network", silent: true, evidence })

/** The connection broke while the answer was streamed. */
export const cut = (): Failure => disconnected("Transport error: network error: error decoding response body")

/** The stream ended without the event for its end. */
export const endedEarly = (): Failure => disconnected("stream closed before response.completed")

/** The same, for a response that was not an event stream, with its type. */
export const withContentType =
  (contentType: string | undefined) =>
  (failure: Failure): Failure =>
    contentType === undefined || contentType.includes("event-stream") || failure.evidence !== undefined
      ? failure
      : { ...failure, evidence: { _tag: "ContentType", contentType: contentType.slice(0, 64) } }

/** No event arrived for `stream_idle_timeout_ms`. */
export const idle = (): Failure => disconnected("idle timeout waiting for SSE")

/** The server accepted the request and sent no response head for `stream_idle_timeout_ms`. */
export const idleHead = (millis: number): Failure => ({
  ...disconnected("idle timeout waiting for the response head"),
  evidence: { _tag: "Silent", millis }
})

/** The answer is not text. */
export const notText = (): Failure => disconnected("UTF8 error: invalid utf-8 sequence of 1 bytes from index 0")

/** The answer exceeds a limit. It is not retried, because the same request would get the same answer. */
const excessive = (what: string): Failure => ({ ...disconnected(what), retry: "never" })

/** One event exceeds the size limit. */
export const eventTooLarge = (): Failure => excessive("SSE event exceeds the size limit")

/** All events of one answer together exceed the size limit. */
export const answerTooLarge = (): Failure => excessive("the answer exceeds the size limit")

/** The answer exceeds the limit on items. */
export const tooManyItems = (): Failure => excessive("the answer has too many items")

/** The response headers exceed the limit of the HTTP client. `host` is the server's name and port. */
export const headersTooLarge = (host: string): Failure =>
  excessive(`the response headers of ${host} exceed the size limit`)

/** A redirect to a URL that is not HTTP. `scheme` is without the colon. */
export const redirectScheme = (scheme: string): Failure =>
  excessive(`redirect target uses unsupported URL scheme: ${scheme}`)

/** A redirect from https to http. */
export const redirectDowngrade = (): Failure => excessive("redirect from https to http refused")

/** Too many redirects. */
export const tooManyRedirects = (): Failure => excessive("too many redirects")

/** Minimum length of a masked secret. Shorter values occur too often in ordinary text. */
const MinSecret = 8

/** Removes secrets from a failure's message, because a server may quote the request. */
export const hiding = (secrets: ReadonlyArray<string | null>) => {
  const hidden = secrets.filter((secret) => secret !== null && secret.length >= MinSecret)
  return (failure: Failure): Failure => {
    const { details, info, message } = failure.error
    const clean = (text: string) =>
      hidden.reduce<string>((left, secret) => left.replaceAll(secret ?? "", "[redacted]"), text)
    const plain = { message: clean(message), ...(details === undefined ? {} : { details: clean(details) }) }
    return plain.message === message && plain.details === details
      ? failure
      : { ...failure, error: new ModelError({ ...plain, info }) }
  }
}

/** The plan or budget of the key is exhausted. */
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

/** Maximum delay that a server may request. Longer ones are not waited for. */
export const MaxWaitMillis = 3_600_000

/** The milliseconds in "Please try again in 1.5s". Minutes are not supported, as in the release. */
const waitIn = (message: string): number | null => {
  const found = /try again in\s*(\d+(?:\.\d+)?)\s*(ms|s)/i.exec(message)
  if (found === null) return null
  const millis = Number(found[1]) * (found[2]?.toLowerCase() === "ms" ? 1 : 1000)
  return millis <= MaxWaitMillis ? millis : null
}

/** The rate limit was exceeded. */
export const rateLimited = (message: string): Failure =>
  failure(`rate limit exceeded: ${message}`, "rateLimitExceeded", { retry: "stream", wait: waitIn(message) })

type Codes = ReadonlyMap<string, (message: string) => Failure>

/** Error codes of both refused requests and failed responses. None is retried. */
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

/** Maximum length of a server's text in an error, in UTF-16 units. */
const MaxMessage = 64 * 1024

/** The failure for the `response` of a `response.failed` event. */
export const ofFailedResponse = (response: JsonObject): Failure => {
  const error = response["error"]
  if (!Predicate.isObject(error)) return disconnected("response.failed event received")
  const message = (stringIn(error, "message") ?? "").slice(0, MaxMessage)
  return failedCodes.get(stringIn(error, "code") ?? "")?.(message) ?? disconnected(message)
}

/** The failure for the `response` of a `response.incomplete` event. A filtered answer is retried. */
export const ofIncompleteResponse = (response: JsonObject): Failure => {
  const reason = stringIn(objectIn(response, "incomplete_details"), "reason")?.slice(0, MaxMessage) ?? "unknown"
  const message = `Incomplete response returned, reason: ${reason}`
  return reason === "content_filter" ? disconnected(message) : failure(message, "other")
}
