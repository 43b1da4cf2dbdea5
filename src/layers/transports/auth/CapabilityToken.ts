/**
 * One token for everybody who may connect. The server keeps its digest and nothing else.
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

/** Admits whoever has the token of the digest. How long the comparison takes does not depend on how much of it is right. */
export const authorize =
  (digest: Uint8Array): Authorize =>
  (authorization) =>
    Effect.flatMap(bearerToken(authorization), (token) =>
      timingSafeEqual(digestOf(token), digest)
        ? Effect.void
        : Effect.fail(new Unauthorized({ reason: "invalid websocket bearer token" }))
    )
