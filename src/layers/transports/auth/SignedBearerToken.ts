/**
 * Tokens that somebody else signs: JSON Web Tokens with a secret that both sides know.
 *
 * Owns what the claims have to say; the signature is `jose`'s matter. Checked in the release's order, so that a token that
 * is wrong in several ways is refused for the same reason.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { compactVerify } from "jose"
import { type Authorize, bearerToken, type Reason, Unauthorized } from "./Authorize.ts"

export interface SignedBearerOptions {
  /** At least `MinSecretBytes`. */
  readonly secret: Redacted.Redacted<Uint8Array>
  /** Required `iss` claim; undefined accepts any issuer. */
  readonly issuer: string | undefined
  /** For whom it has to be; undefined is for anybody. */
  readonly audience: string | undefined
  /** By how much the issuer's clock may differ from this one. */
  readonly maxClockSkewSeconds: number
}

/** A shorter secret can be found by trying, and the algorithm asks for no less. */
export const MinSecretBytes = 32

export const DefaultClockSkewSeconds = 30

/** Seconds since 1970, whole ones. */
const Seconds = Schema.Number.check(Schema.makeFilter((value) => Number.isInteger(value)))

const Claims = Schema.fromJsonString(
  Schema.Struct({
    exp: Seconds,
    nbf: Schema.optionalKey(Schema.NullOr(Seconds)),
    iss: Schema.optionalKey(Schema.NullOr(Schema.String)),
    aud: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.String, Schema.Array(Schema.String)])))
  })
)

const decodeClaims = Schema.decodeUnknownEffect(Claims)

const names = (aud: (typeof Claims.Type)["aud"], audience: string): boolean =>
  typeof aud === "string" ? aud === audience : aud?.includes(audience) === true

/** What is wrong with the claims, or undefined. */
const problemOf = (
  claims: typeof Claims.Type,
  options: SignedBearerOptions,
  nowSeconds: number
): typeof Reason.Type | undefined => {
  const { audience, issuer, maxClockSkewSeconds } = options
  if (nowSeconds > claims.exp + maxClockSkewSeconds) return "expired websocket jwt"
  if (claims.nbf != null && nowSeconds < claims.nbf - maxClockSkewSeconds) return "websocket jwt is not valid yet"
  if (issuer !== undefined && claims.iss !== issuer) return "websocket jwt issuer mismatch"
  if (audience !== undefined && !names(claims.aud, audience)) return "websocket jwt audience mismatch"
  return undefined
}

const invalid = () => new Unauthorized({ reason: "invalid websocket jwt" })

/** Three parts of unpadded base64url. The library reads other spellings of the same bytes, which nobody signs. */
const compact = /^[\w-]+\.[\w-]+\.[\w-]+$/

const verify = (token: Redacted.Redacted<string>, secret: Redacted.Redacted<Uint8Array>) =>
  compact.test(Redacted.value(token))
    ? Effect.tryPromise({
        try: () => compactVerify(Redacted.value(token), Redacted.value(secret), { algorithms: ["HS256"] }),
        catch: invalid
      })
    : Effect.fail(invalid())

/** Admits whoever has a token that is signed with the secret (HS256, nothing else) and whose claims are as they have to be. */
export const authorize =
  (options: SignedBearerOptions): Authorize =>
  (authorization) =>
    Effect.gen(function* () {
      const token = yield* bearerToken(authorization)
      const { payload } = yield* verify(token, options.secret)
      const claims = yield* Effect.mapError(decodeClaims(new TextDecoder().decode(payload)), invalid)
      const problem = problemOf(claims, options, Math.floor((yield* Clock.currentTimeMillis) / 1000))
      if (problem !== undefined) return yield* new Unauthorized({ reason: problem })
    })
