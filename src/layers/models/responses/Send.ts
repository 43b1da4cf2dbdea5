/**
 * Sends a request to a Responses server.
 *
 * Owns one HTTP request up to its headers: redirects, failures of the connection, error responses, and the silent level of
 * retries.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Stream from "effect/Stream"
import type { ModelProviderInfo } from "../../../services/config/Config.ts"
import * as Tracing from "../../../services/observability/Tracing.ts"
import * as Body from "./Body.ts"
import type { Failure as FailureType } from "../attempts/Failure.ts"
import { connectionError } from "./ConnectionError.ts"
import * as Failure from "./StreamFailure.ts"
import * as Redirect from "./Redirect.ts"
import * as Refusal from "./HttpFailure.ts"
import * as Retry from "../attempts/Retry.ts"

/** Maximum length of an error response's body that is read, in UTF-16 units. */
const MaxRefusal = 64 * 1024

/** Time limit for reading the body of a redirect, in milliseconds. */
const DiscardMillis = 50

/** Operating system error codes for a server that could not be reached. */
const unreachableCodes: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT"
])

const ofTransport = (error: HttpClientError, url: string): FailureType => {
  const evidence = connectionError(error)
  if (evidence?.code === "HPE_HEADER_OVERFLOW") return Failure.headersTooLarge(new URL(url).host)
  return evidence !== undefined && unreachableCodes.has(evidence.code)
    ? Failure.unreachable(evidence)
    : Failure.notAnswered(evidence)
}

/** Reads the body of an error response within limits of size and time. */
const readRefusal = (response: HttpClientResponse, idleMillis: number): Effect.Effect<string> =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let body = ""
    const reading = Stream.runForEachWhile(response.stream, (bytes) =>
      Effect.sync(() => {
        body += decoder.decode(bytes, { stream: true })
        return body.length < MaxRefusal
      })
    )
    return reading.pipe(
      Effect.timeoutOption(idleMillis),
      Effect.ignore,
      Effect.map(() => body.slice(0, MaxRefusal))
    )
  })

const requestOf = ({ body, headers, url }: Redirect.Asked): HttpClientRequest.HttpClientRequest =>
  body === null
    ? HttpClientRequest.get(url, { headers })
    : HttpClientRequest.post(url, { headers, body: HttpBody.text(body, "application/json") })

/** Releases a response without content: reads what has arrived, so that the connection can be reused. */
const discard = (response: HttpClientResponse): Effect.Effect<void> =>
  Stream.runDrain(Stream.take(response.stream, 1)).pipe(
    Effect.timeoutOption(DiscardMillis),
    Effect.ignoreCause,
    Effect.asVoid
  )

/**
 * The response to a request, after redirects. Each response head must arrive within `idleMillis`; informational
 * responses (1xx) do not extend the time. A late head is not a silent failure: each wait is long, and clients see the retry.
 */
const execute = (
  client: HttpClient.HttpClient,
  asked: Redirect.Asked,
  idleMillis: number,
  followed = 0
): Effect.Effect<HttpClientResponse, FailureType> =>
  Effect.suspend(() => client.execute(requestOf(asked))).pipe(
    Effect.mapError((error) => ofTransport(error, asked.url)),
    Effect.timeoutOrElse({ duration: idleMillis, orElse: () => Effect.fail(Failure.idleHead(idleMillis)) }),
    // A client that throws has sent nothing. Its error may quote the request.
    Effect.catchDefect(() => Effect.fail(Failure.notAnswered())),
    Effect.flatMap((response) => {
      const { headers, status } = response
      if (status < 300 || status >= 400) return Effect.succeed(response)
      const next = Redirect.follow(asked, { status, location: headers["location"] }, followed)
      if (next === undefined) return Effect.succeed(response)
      return Effect.andThen(
        discard(response),
        "to" in next ? execute(client, next.to, idleMillis, followed + 1) : Effect.fail(next.refused)
      )
    })
  )

/**
 * Without a span collector the model server gets no trace headers. With one, spans omit the URL's query, which may contain a
 * key.
 */
const withSpans = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Tracing.isActive, (active) =>
    active
      ? Effect.provideService(effect, UrlParams.CurrentRedactedNames, [/^/])
      : Effect.provideService(effect, HttpClient.TracerDisabledWhen, () => true)
  )

/**
 * Sends a request until there is an answer with status 2xx, or an error for the client. Closing the stream of the
 * response, at any point, closes the connection; read to its end, the connection is kept for the next request.
 */
export const send = (
  client: HttpClient.HttpClient,
  provider: ModelProviderInfo,
  headers: Record<string, string>,
  body: string
): Effect.Effect<HttpClientResponse, FailureType> => {
  const asked = { url: Body.urlOf(provider), headers, body }
  const once = execute(client, asked, provider.streamIdleTimeoutMs).pipe(
    Effect.flatMap((response) => {
      if (response.status >= 200 && response.status < 300) return Effect.succeed(response)
      return Effect.flatMap(
        Effect.all([readRefusal(response, provider.streamIdleTimeoutMs), Clock.currentTimeMillis]),
        ([text, now]) => {
          const url = Body.plainUrlOf(provider)
          return Effect.fail(
            Refusal.ofHttpFailure({ status: response.status, headers: response.headers, body: text, url }, now)
          )
        }
      )
    })
  )
  return withSpans(Effect.retry(once, Retry.request(provider.requestMaxRetries)))
}
