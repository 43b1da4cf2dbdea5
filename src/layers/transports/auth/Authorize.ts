/**
 * Who may connect to a WebSocket, asked when the connection is upgraded and before anything of the protocol is read.
 *
 * Owns the form of the question, the reasons to refuse, which are the release's texts, and the header both modes read. Does
 * not own how a token is judged (CapabilityToken, SignedBearerToken).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** Why a client is refused, as it reads it in the body of a 401. */
export const Reason = Schema.Literals([
  "missing websocket bearer token",
  "invalid authorization header",
  "invalid websocket bearer token",
  "invalid websocket jwt",
  "expired websocket jwt",
  "websocket jwt is not valid yet",
  "websocket jwt issuer mismatch",
  "websocket jwt audience mismatch"
])

/** The client does not get in. Says nothing of the token. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", { reason: Reason }) {
  override get message(): string {
    return this.reason
  }
}

/** Judges the value of a request's `Authorization` header; `undefined` is a request without. */
export type Authorize = (authorization: string | undefined) => Effect.Effect<void, Unauthorized>

const refuse = (reason: typeof Reason.Type) => Effect.fail(new Unauthorized({ reason }))

const bearer = /^bearer (?<token>.*)$/is

/** The token of the header. The scheme is read in any case, and space around the token does not count. */
export const bearerToken = (
  authorization: string | undefined
): Effect.Effect<Redacted.Redacted<string>, Unauthorized> => {
  if (authorization === undefined) return refuse("missing websocket bearer token")
  const token = bearer.exec(authorization)?.groups?.["token"]?.trim()
  return token === undefined || token === ""
    ? refuse("invalid authorization header")
    : Effect.succeed(Redacted.make(token, { label: "bearer token" }))
}
