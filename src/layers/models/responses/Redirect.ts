/**
 * The target and the headers of a redirected request.
 *
 * Owns the rules: at most 10 redirects, to http and https only, never from https to http. Everything that could be a key
 * (the key itself, every header of the provider or from the environment) stays with the origin that it is configured for.
 * The methods change as in the released server: 301, 302 and 303 make a GET of it, 307 and 308 repeat the request.
 *
 * @module
 */
import type { Failure as FailureType } from "../attempts/Failure.ts"
import * as Failure from "./StreamFailure.ts"

/** A request to send; `body` is null for a GET. */
export interface Asked {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** Maximum number of redirects of one request. */
export const MaxRedirects = 10

/** Headers that another origin may see. None identifies the user, the account or the thread. */
const harmless: ReadonlySet<string> = new Set(["accept", "originator", "user-agent"])

const isRedirect: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

const schemes: ReadonlySet<string> = new Set(["http:", "https:"])

/**
 * The next request, or the reason to refuse it. `undefined` when the response is not a usable redirect: it is then handled
 * like any other response. `followed` is the number of redirects so far.
 */
export const follow = (
  asked: Asked,
  answer: { readonly status: number; readonly location: string | undefined },
  followed: number
): { readonly to: Asked } | { readonly refused: FailureType } | undefined => {
  const { location, status } = answer
  if (!isRedirect.has(status) || location === undefined || !URL.canParse(location, asked.url)) return undefined
  const from = new URL(asked.url)
  const to = new URL(location, asked.url)
  if (!schemes.has(to.protocol)) return { refused: Failure.redirectScheme(to.protocol.slice(0, -1)) }
  if (from.protocol === "https:" && to.protocol === "http:") return { refused: Failure.redirectDowngrade() }
  if (followed >= MaxRedirects) return { refused: Failure.tooManyRedirects() }
  // HTTP clients would send credentials in the target, which the redirecting server chose.
  to.username = ""
  to.password = ""
  const entries = Object.entries(asked.headers)
  const headers =
    to.origin === from.origin ? asked.headers : Object.fromEntries(entries.filter(([name]) => harmless.has(name)))
  return { to: { url: to.href, headers, body: status === 307 || status === 308 ? asked.body : null } }
}
