/**
 * Authorization of WebSocket clients, before the upgrade and before any protocol message is read.
 *
 * Owns the type of the check, the reasons for refusal, which are the release's texts, and the header that both modes read.
 * Does not own the check of a token (CapabilityToken, SignedBearerToken).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** The reason for a refusal, sent in the body of a 401. */
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

/** The client is refused. The error contains nothing of the token. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", { reason: Reason }) {
  override get message(): string {
    return this.reason
  }
}

/** Checks the value of a request's `Authorization` header; `undefined` when it is absent. */
export type Authorize = (authorization: string | undefined) => Effect.Effect<void, Unauthorized>

const refuse = (reason: typeof Reason.Type) => Effect.fail(new Unauthorized({ reason }))

const bearer = /^bearer (?<token>.*)$/is

/** The token of the header. The scheme is case-insensitive, and space around the token is ignored. */
export const bearerToken = (
  authorization: string | undefined
): Effect.Effect<Redacted.Redacted<string>, Unauthorized> => {
  if (authorization === undefined) return refuse("missing websocket bearer token")
  const token = bearer.exec(authorization)?.groups?.["token"]?.trim()
  return token === undefined || token === ""
    ? refuse("invalid authorization header")
    : Effect.succeed(Redacted.make(token, { label: "bearer token" }))
}
