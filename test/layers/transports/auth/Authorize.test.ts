import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { type Authorize, bearerToken } from "../../../../src/layers/transports/auth/Authorize.ts"
import * as CapabilityToken from "../../../../src/layers/transports/auth/CapabilityToken.ts"
import * as SignedBearerToken from "../../../../src/layers/transports/auth/SignedBearerToken.ts"
import { secret, sign } from "../../../support/Jwts.ts"

/** The error for the client, or its admission. */
const verdict = (authorize: Authorize, authorization: string | undefined) =>
  Effect.match(authorize(authorization), { onFailure: ({ message }) => message, onSuccess: () => "admitted" })

describe("the authorization header", () => {
  it.effect.each<[string | undefined, string]>([
    [undefined, "missing websocket bearer token"],
    ["", "invalid authorization header"],
    ["Bearer", "invalid authorization header"],
    ["Bearer ", "invalid authorization header"],
    ["Bearer\tx", "invalid authorization header"],
    ["Basic x", "invalid authorization header"],
    ["x", "invalid authorization header"],
    ["Bearer x", "token x"],
    ["bEARER   x  ", "token x"],
    ["Bearer x y", "token x y"]
  ])("%j is read as: %s [48]", ([header, expected]) =>
    Effect.gen(function* () {
      const read = Effect.match(bearerToken(header), {
        onFailure: ({ message }) => message,
        onSuccess: (token) => `token ${Redacted.value(token)}`
      })
      assert.strictEqual(yield* read, expected)
    })
  )

  it.effect("does not print the token", () =>
    Effect.gen(function* () {
      const token = yield* bearerToken("Bearer open-sesame")
      assert.notInclude(`${String(token)} ${JSON.stringify(token)}`, "open-sesame")
    })
  )
})

describe("a capability token", () => {
  const authorize = CapabilityToken.authorize(CapabilityToken.digestOf(Redacted.make("open-sesame")))

  it.effect.each([
    ["Bearer open-sesame", "admitted"],
    ["bearer open-sesame", "admitted"],
    ["Bearer open-sesam", "invalid websocket bearer token"],
    ["Bearer open-sesame!", "invalid websocket bearer token"],
    ["Bearer OPEN-SESAME", "invalid websocket bearer token"],
    ["Basic open-sesame", "invalid authorization header"]
  ])("%s: %s [48]", ([header, expected]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* verdict(authorize, header), expected)
    })
  )

  it("is compared by its digest, and only the digest is kept", () => {
    assert.strictEqual(
      Buffer.from(CapabilityToken.digestOf(Redacted.make("abc"))).toString("hex"),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
  })
})

/** The time in all tests: seconds since 1970. */
const now = 1_700_000_000

const good = { exp: now + 60, iss: "me", aud: "you" }

/** A valid token whose last part uses the alphabet with `+` and `/`: the same bytes. */
const respelled = (() => {
  for (let turn = 0; ; turn++) {
    const token = sign({ ...good, turn })
    const plain = token.replaceAll("-", "+").replaceAll("_", "/")
    if (plain !== token) return plain
  }
})()

describe("a signed bearer token", () => {
  const authorize = SignedBearerToken.authorize({
    secret: Redacted.make(new TextEncoder().encode(secret)),
    issuer: "me",
    audience: "you",
    maxClockSkewSeconds: 30
  })

  const judge = (token: string, by: Authorize = authorize) =>
    Effect.andThen(TestClock.setTime(now * 1000 + 999), verdict(by, `Bearer ${token}`))

  it.effect.each<[string, unknown, string]>([
    ["all in order", good, "admitted"],
    ["one audience of several", { ...good, aud: ["a", "you"] }, "admitted"],
    ["other audiences", { ...good, aud: ["a"] }, "websocket jwt audience mismatch"],
    ["another audience", { ...good, aud: "x" }, "websocket jwt audience mismatch"],
    ["no audience", { ...good, aud: undefined }, "websocket jwt audience mismatch"],
    ["an audience that is not a string", { ...good, aud: 1 }, "invalid websocket jwt"],
    ["audiences that are not all texts", { ...good, aud: ["you", 1] }, "invalid websocket jwt"],
    ["another issuer", { ...good, iss: "x" }, "websocket jwt issuer mismatch"],
    ["no issuer", { ...good, iss: undefined }, "websocket jwt issuer mismatch"],
    ["null for an issuer", { ...good, iss: null }, "websocket jwt issuer mismatch"],
    ["an issuer that is not a string", { ...good, iss: ["me"] }, "invalid websocket jwt"],
    ["no expiry", { iss: "me", aud: "you" }, "invalid websocket jwt"],
    ["null for an expiry", { ...good, exp: null }, "invalid websocket jwt"],
    ["an expiry that is a text", { ...good, exp: String(now + 60) }, "invalid websocket jwt"],
    ["an expiry between seconds", { ...good, exp: now + 60.5 }, "invalid websocket jwt"],
    ["expired by the whole skew", { ...good, exp: now - 30 }, "admitted"],
    ["expired by more than the skew", { ...good, exp: now - 31 }, "expired websocket jwt"],
    ["valid from the end of the skew", { ...good, nbf: now + 30 }, "admitted"],
    ["valid from after the skew", { ...good, nbf: now + 31 }, "websocket jwt is not valid yet"],
    ["null for its beginning", { ...good, nbf: null }, "admitted"],
    ["a beginning that is a text", { ...good, nbf: "1" }, "invalid websocket jwt"],
    ["expired, of another issuer", { ...good, exp: 1, iss: "x" }, "expired websocket jwt"],
    ["expired, and not valid yet", { ...good, exp: 1, nbf: now + 500 }, "expired websocket jwt"],
    ["not valid yet, of another issuer", { ...good, nbf: now + 500, iss: "x" }, "websocket jwt is not valid yet"],
    ["another issuer and audience", { ...good, iss: "x", aud: "x" }, "websocket jwt issuer mismatch"],
    ["issued tomorrow", { ...good, iat: now + 86_400 }, "admitted"],
    ["claims that are not an object", [], "invalid websocket jwt"]
  ])("%s [48]", ([, claims, expected]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* judge(sign(claims)), expected)
    })
  )

  it.effect.each<[string, string]>([
    ["without an algorithm", sign(good, { alg: "none" })],
    ["without a signature", `${sign(good).split(".", 2).join(".")}.`],
    ["by HS384", sign(good, { alg: "HS384", hash: "sha384" })],
    ["by HS512", sign(good, { alg: "HS512", hash: "sha512" })],
    ["by hs256", sign(good, { alg: "hs256" })],
    ["with another secret", sign(good, { key: "x".repeat(40) })],
    ["with unknown critical terms", sign(good, { head: { crit: ["zz"], zz: 1 } })],
    ["without a signature: no token", "abc"],
    ["without a signature: two parts", "a.b"],
    ["without a signature: three parts", "a.b.c"],
    ["and then some", `${sign(good)}.x`],
    ["with padding", `${sign(good)}=`],
    ["with a space in it", sign(good).replace(".", ". ")],
    ["in another alphabet", respelled]
  ])("signed %s is refused [48]", ([, token]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* judge(token), "invalid websocket jwt")
    })
  )

  it.effect("may have any issuer and audience when none is required", () =>
    Effect.gen(function* () {
      const anybody = SignedBearerToken.authorize({
        secret: Redacted.make(new TextEncoder().encode(secret)),
        issuer: undefined,
        audience: undefined,
        maxClockSkewSeconds: 0
      })
      assert.strictEqual(yield* judge(sign({ exp: now }), anybody), "admitted")
      assert.strictEqual(yield* judge(sign({ exp: now - 1 }), anybody), "expired websocket jwt")
      assert.strictEqual(yield* judge(sign({ exp: now, iss: 1 }), anybody), "invalid websocket jwt")
    })
  )
})
