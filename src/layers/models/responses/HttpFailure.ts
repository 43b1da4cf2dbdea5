/**
 * Converts HTTP error responses of a model server to failures.
 *
 * @module
 */
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import * as Result from "effect/Result"
import { failure, type Failure as FailureType } from "../attempts/Failure.ts"
import * as Failure from "./StreamFailure.ts"
import { type JsonObject, objectIn, parseObject, stringIn } from "./Json.ts"
import { usageLimit } from "./UsageLimit.ts"

/** A response with a status other than 2xx. */
export interface HttpFailure {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The part of the body that was read. */
  readonly body: string
  /** The URL without the query, which may contain a key. */
  readonly url: string
}

/** The reason phrases of HTTP, for statuses of model servers and proxies. */
const phrases: Readonly<Record<number, string>> = {
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Payload Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  418: "I'm a teapot",
  421: "Misdirected Request",
  422: "Unprocessable Entity",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  507: "Insufficient Storage",
  508: "Loop Detected",
  511: "Network Authentication Required"
}

/** Maximum number of characters of a body in an error's message. */
const MaxQuote = 1000

/** Maximum number of characters of the server's text in the details of an error. */
const MaxEvidence = 300

/** The server's text: its `error.message`, else the start of the body. */
const quote = (refusal: HttpFailure, error: JsonObject): string => {
  const message = stringIn(error, "message")
  const text = (message === undefined || message === "" ? refusal.body : message).trim()
  if (text === "") return "Unknown error"
  return text.length > MaxQuote ? `${text.slice(0, MaxQuote)}...` : text
}

/** Any other error response, with the ids for looking it up at the server. */
const unexpected = (refusal: HttpFailure, error: JsonObject, wait: number | null): FailureType => {
  const { headers, status } = refusal
  const phrase = phrases[status] ?? "<unknown status code>"
  const marks = [
    ["cf-ray", headers["cf-ray"]],
    ["request id", headers["x-request-id"]],
    ["auth error", headers["x-openai-authorization-error"]]
  ].map(([name, value]) => (value === undefined ? "" : `, ${name}: ${value}`))
  return failure(
    `unexpected status ${status} ${phrase}: ${quote(refusal, error)}, url: ${refusal.url}${marks.join("")}`,
    { httpConnectionFailed: { httpStatusCode: status } },
    { retry: "stream", silent: status >= 500, status, wait }
  )
}

/** Too many requests: retried only when the server gives a delay. */
const tooMany = (refusal: HttpFailure, error: JsonObject, wait: number | null, now: number): FailureType => {
  const type = stringIn(error, "type")
  const code = stringIn(error, "code")
  if (type === "usage_limit_reached") {
    return failure(usageLimit(error, refusal.headers, now), "usageLimitExceeded")
  }
  if (type === "usage_not_included") return Failure.notIncluded()
  if (type === "insufficient_quota" || code === "insufficient_quota") return Failure.quotaExceeded()
  if (code === "flex_unavailable") return Failure.flexUnavailable()
  return failure(
    "exceeded retry limit, last status: 429 Too Many Requests",
    { responseTooManyFailedAttempts: { httpStatusCode: 429 } },
    { retry: wait === null ? "never" : "stream", status: 429, wait }
  )
}

/** Milliseconds of a `retry-after` header; whole seconds and dates are supported. */
const retryAfter = (refusal: HttpFailure, now: number): number | null => {
  const header = refusal.headers["retry-after"]
  if (header === undefined) return null
  const parsed = Headers.parseRetryAfter(header)
  if (Result.isFailure(parsed)) return null
  const millis = Duration.toMillis(Headers.retryAfterDelay(parsed.success, now))
  return millis <= Failure.MaxWaitMillis ? millis : null
}

/** Error codes that apply to every request, by status. */
const codesOf: ReadonlyMap<number, ReadonlyArray<string>> = new Map([
  [400, [...Failure.refusedCodes.keys()]],
  [403, ["misalignment_policy_violation", "model_not_found"]],
  [404, ["model_not_found"]]
])

/** The failure for a response other than 2xx. `now` is in milliseconds. */
export const ofHttpFailure = (refusal: HttpFailure, now: number): FailureType => {
  const text = quote(refusal, objectIn(parseObject(refusal.body) ?? {}, "error")).slice(0, MaxEvidence)
  return { evidence: { _tag: "Status", status: refusal.status, text }, ...classified(refusal, now) }
}

const classified = (refusal: HttpFailure, now: number): FailureType => {
  const error = objectIn(parseObject(refusal.body) ?? {}, "error")
  const code = stringIn(error, "code") ?? ""
  const message = stringIn(error, "message") ?? ""
  const wait = retryAfter(refusal, now)
  if (codesOf.get(refusal.status)?.includes(code) === true) {
    const known = Failure.refusedCodes.get(code)?.(message)
    if (known !== undefined) return known
  }
  switch (refusal.status) {
    case 400:
      return failure(refusal.body, "other")
    case 429:
      return tooMany(refusal, error, wait, now)
    case 500:
      return failure(
        "We’re currently experiencing high demand, which may cause temporary errors.",
        "internalServerError",
        { retry: "stream", silent: true, wait }
      )
    case 503:
      if (code === "server_is_overloaded") return { ...Failure.overloaded(), silent: true, wait }
      if (code === "slow_down") return { ...Failure.rateLimited(message), silent: true }
      break
  }
  return unexpected(refusal, error, wait)
}
