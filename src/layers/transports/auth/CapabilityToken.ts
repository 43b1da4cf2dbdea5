/**
 * One shared token for all clients. The server keeps only its digest.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type Authorize, bearerToken, Unauthorized } from "./Authorize.ts"

/** SHA-256 of the token's bytes. */
export const digestOf = (token: Redacted.Redacted<string>): Uint8Array =>
  createHash("sha256").update(Redacted.value(token)).digest()

/** Admits clients whose token has this digest. The comparison takes constant time. */
export const authorize =
  (digest: Uint8Array): Authorize =>
  (authorization) =>
    Effect.flatMap(bearerToken(authorization), (token) =>
      timingSafeEqual(digestOf(token), digest)
        ? Effect.void
        : Effect.fail(new Unauthorized({ reason: "invalid websocket bearer token" }))
    )
