/**
 * JSON Web Tokens signed by another party with a shared secret.
 *
 * Owns the check of the claims; `jose` verifies the signature. Checks run in the release's order, so that a token with
 * several faults is refused for the same reason.
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
  /** Required `aud` claim; undefined accepts any audience. */
  readonly audience: string | undefined
  /** Maximum difference between the issuer's clock and this one. */
  readonly maxClockSkewSeconds: number
}

/** Minimum length required by the algorithm; a shorter secret can be guessed. */
export const MinSecretBytes = 32

export const DefaultClockSkewSeconds = 30

/** Whole seconds since 1970. */
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

/** The fault of the claims, or undefined. */
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

/** Three parts of unpadded base64url. The library also accepts other encodings of the same bytes, which issuers never produce. */
const compact = /^[\w-]+\.[\w-]+\.[\w-]+$/

const verify = (token: Redacted.Redacted<string>, secret: Redacted.Redacted<Uint8Array>) =>
  compact.test(Redacted.value(token))
    ? Effect.tryPromise({
        try: () => compactVerify(Redacted.value(token), Redacted.value(secret), { algorithms: ["HS256"] }),
        catch: invalid
      })
    : Effect.fail(invalid())

/** Admits clients whose token is signed with the secret (HS256 only) and has valid claims. */
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
