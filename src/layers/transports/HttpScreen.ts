/**
 * The responses to requests that do not become WebSockets, as far as they depend on the request alone.
 *
 * Owns the release's statuses and texts for a request that may not upgrade, and the two checks that keep web pages out: the
 * `Origin` of every request, and the `Host` of a page (DNS rebinding). Does not own tokens (auth) nor pages (PlainHttp).
 *
 * ```
 *  request ─► Origin? ─403─► probe? ─200─► GET, upgrade to websocket? ─400, 405─► may upgrade
 * ```
 *
 * @module
 */
import type * as Http from "node:http"
import type * as Effect from "effect/Effect"
import type { Authorize } from "./auth/Authorize.ts"

/** Which clients may connect. */
export interface Admission {
  /** Accepted origins, exactly as browsers send them; undefined where web pages cannot connect. */
  readonly allowedOrigins: ReadonlySet<string> | undefined
  /** Undefined admits every client. */
  readonly authorize: Authorize | undefined
}

/** An address or `localhost`. Another name could be one that a web page controls (DNS rebinding). */
const literalOrLocal = /^(?:localhost|[\d.]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/**
 * Whether a page may be served under this `Host`: an address or `localhost`. With authentication any name is accepted, because
 * a web page has no token. Programs other than browsers may omit the header.
 */
export const isOwnHost = (host: string | undefined, { authorize }: Admission): boolean =>
  host === undefined || authorize !== undefined || literalOrLocal.test(host)

/** A page for authorised clients, created on request. */
export interface Page {
  readonly contentType: string
  readonly text: Effect.Effect<string>
}

/** A response that is not an upgrade. */
export interface Reply {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

export const reply = (status: number, text = "", headers: Reply["headers"] = {}): Reply => ({ status, text, headers })

const probes: ReadonlySet<string> = new Set(["/readyz", "/healthz"])

export const pathOf = (url = ""): string => url.split("?", 1)[0] ?? ""

const lists = (header: string | undefined, word: string): boolean =>
  header?.split(",").some((part) => part.trim().toLowerCase() === word) === true

export const isReading = (method: string | undefined): boolean => method === "GET" || method === "HEAD"

export const notToBeWritten = reply(405, "", { Allow: "GET,HEAD" })

/** The part of a request that is examined. */
export type RequestHead = Pick<Http.IncomingMessage, "method" | "url" | "headers" | "httpVersion">

/** Whether the request comes from a web page that may not connect. */
export const isForeign = ({ origin }: Http.IncomingHttpHeaders, { allowedOrigins }: Admission): boolean =>
  origin !== undefined && allowedOrigins?.has(origin) === false

/** The response that does not depend on the client; undefined for a request that may upgrade. */
export const screen = ({ headers, httpVersion, method, url }: RequestHead, admission: Admission): Reply | undefined => {
  if (isForeign(headers, admission)) return reply(403)
  if (probes.has(pathOf(url))) return isReading(method) ? reply(200) : notToBeWritten
  if (method !== "GET") return reply(405, "Request method must be `GET`")
  if (!lists(headers.connection, "upgrade")) return reply(400, "Connection header did not include 'upgrade'")
  if (!lists(headers.upgrade, "websocket")) return reply(400, "`Upgrade` header did not include 'websocket'")
  if (headers["sec-websocket-version"] !== "13") {
    return reply(400, "`Sec-WebSocket-Version` header did not include '13'")
  }
  if (headers["sec-websocket-key"] === undefined) return reply(400, "`Sec-WebSocket-Key` header missing")
  // HTTP/1.0 has no upgrades (RFC 6455, 4.2.1).
  return httpVersion === "1.0" ? reply(426, "WebSocket request couldn't be upgraded") : undefined
}

export const headersOf = ({ headers, text }: Reply): Record<string, string | number> => ({
  ...headers,
  ...(text === "" || "Content-Type" in headers ? {} : { "Content-Type": "text/plain; charset=utf-8" }),
  "Content-Length": Buffer.byteLength(text)
})
