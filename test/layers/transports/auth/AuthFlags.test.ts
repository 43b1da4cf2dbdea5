import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as NodeSmallFiles from "../../../../src/layers/files/NodeSmallFiles.ts"
import * as AuthFlags from "../../../../src/layers/transports/auth/AuthFlags.ts"
import { sign } from "../../../support/Jwts.ts"

/** A folder with a file for every relevant length of a secret. */
const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "spindle-auth-"))
    writeFileSync(join(folder, "token"), "  open-sesame \n")
    writeFileSync(join(folder, "empty"), "")
    writeFileSync(join(folder, "blank"), " \n\t")
    writeFileSync(join(folder, "secret-31"), `  ${"s".repeat(31)}   \n`)
    writeFileSync(join(folder, "secret-32"), `\n${"s".repeat(32)}\n`)
    writeFileSync(join(folder, "secret-é"), "é".repeat(16))
    return folder
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

/** The outcome of flags whose files are in the folder: the error without the folder's name, or a start. */
const outcome = (flags: Partial<AuthFlags.AuthFlags>) =>
  Effect.gen(function* () {
    const at = yield* folder
    const inFolder = (file: string | undefined) => (file === undefined ? undefined : join(at, file))
    const options = {
      ...AuthFlags.none,
      ...flags,
      tokenFile: inFolder(flags.tokenFile),
      sharedSecretFile: inFolder(flags.sharedSecretFile)
    }
    return yield* Effect.match(AuthFlags.authorizeBy(options), {
      onFailure: ({ message }) => message.replaceAll(`${at}/`, "").replaceAll(at, ""),
      onSuccess: (authorize) => (authorize === undefined ? "open" : "guarded")
    })
  }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, NodeSmallFiles.layer]))

const capability = { mode: "capability-token" } as const
const signed = { mode: "signed-bearer-token", sharedSecretFile: "secret-32" } as const

const digest = "aa".repeat(32)

describe("the flags of authentication", () => {
  it.effect.each<[Partial<AuthFlags.AuthFlags>, string]>([
    [{}, "open"],
    [{ ...capability, tokenFile: "token" }, "guarded"],
    [{ ...capability, tokenSha256: digest }, "guarded"],
    [{ ...capability, tokenSha256: ` ${digest.toUpperCase()} ` }, "guarded"],
    [signed, "guarded"],
    [{ ...signed, sharedSecretFile: "secret-é" }, "guarded"],
    [{ ...signed, issuer: "me", audience: "you", maxClockSkewSeconds: 0 }, "guarded"],
    [
      { tokenFile: "token" },
      "websocket auth flags require `--ws-auth capability-token` or `--ws-auth signed-bearer-token`"
    ],
    [{ issuer: "me" }, "websocket auth flags require `--ws-auth capability-token` or `--ws-auth signed-bearer-token`"],
    [
      { maxClockSkewSeconds: 0 },
      "websocket auth flags require `--ws-auth capability-token` or `--ws-auth signed-bearer-token`"
    ],
    [capability, "`--ws-token-file` or `--ws-token-sha256` is required when `--ws-auth capability-token` is set"],
    [
      { ...capability, tokenFile: "token", tokenSha256: digest },
      "`--ws-token-file` and `--ws-token-sha256` are mutually exclusive"
    ],
    [{ ...capability, tokenSha256: "aa" }, "--ws-token-sha256 must be a 64-character hex SHA-256 digest"],
    [{ ...capability, tokenSha256: "zz".repeat(32) }, "--ws-token-sha256 must be a 64-character hex SHA-256 digest"],
    [
      { ...capability, tokenFile: "token", issuer: "me" },
      "`--ws-shared-secret-file`, `--ws-issuer`, `--ws-audience`, and `--ws-max-clock-skew-seconds` require `--ws-auth signed-bearer-token`"
    ],
    [
      { ...capability, tokenFile: "token", sharedSecretFile: "secret-32" },
      "`--ws-shared-secret-file`, `--ws-issuer`, `--ws-audience`, and `--ws-max-clock-skew-seconds` require `--ws-auth signed-bearer-token`"
    ],
    [{ ...capability, tokenFile: "" }, "failed to read websocket auth secret : not a file"],
    [{ ...capability, tokenFile: "none" }, "failed to read websocket auth secret none: no such file"],
    [{ ...capability, tokenFile: "empty" }, "websocket auth secret empty must not be empty"],
    [{ ...capability, tokenFile: "blank" }, "websocket auth secret blank must not be empty"],
    [
      { mode: "signed-bearer-token" },
      "`--ws-shared-secret-file` is required when `--ws-auth signed-bearer-token` is set"
    ],
    [
      { ...signed, tokenFile: "token" },
      "`--ws-token-file` and `--ws-token-sha256` require `--ws-auth capability-token`, not `signed-bearer-token`"
    ],
    [
      { ...signed, tokenSha256: digest },
      "`--ws-token-file` and `--ws-token-sha256` require `--ws-auth capability-token`, not `signed-bearer-token`"
    ],
    [
      { ...signed, sharedSecretFile: "secret-31" },
      "signed websocket bearer secret secret-31 must be at least 32 bytes"
    ],
    [{ ...signed, sharedSecretFile: "none" }, "failed to read websocket auth secret none: no such file"]
  ])("%j: %s [48]", ([flags, expected]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* outcome(flags), expected)
    })
  )

  /** The outcome of tokens with these claims, at second 1000. */
  const verdicts = Effect.fnUntraced(
    function* (flags: Partial<AuthFlags.AuthFlags>, ...tokens: ReadonlyArray<Readonly<Record<string, unknown>>>) {
      const sharedSecretFile = join(yield* folder, "secret-32")
      const authorize = yield* AuthFlags.authorizeBy({ ...AuthFlags.none, ...signed, ...flags, sharedSecretFile })
      if (authorize === undefined) return assert.fail("everybody gets in")
      yield* TestClock.setTime(1_000_000)
      return yield* Effect.forEach(tokens, (claims) =>
        Effect.match(authorize(`Bearer ${sign(claims, { key: "s".repeat(32) })}`), {
          onFailure: ({ message }) => message,
          onSuccess: () => "admitted"
        })
      )
    },
    Effect.provide([NodeServices.layer, NodeSmallFiles.layer])
  )

  it.effect("permit a clock skew of 30 seconds by default [48]", () =>
    Effect.gen(function* () {
      const tokens = [{ exp: 970 }, { exp: 969 }]
      assert.deepStrictEqual(yield* verdicts({}, ...tokens), ["admitted", "expired websocket jwt"])
      assert.deepStrictEqual(yield* verdicts({ maxClockSkewSeconds: 31 }, ...tokens), ["admitted", "admitted"])
    })
  )

  it.effect("treat a blank issuer and a blank audience as absent [48]", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* verdicts({ issuer: " ", audience: "" }, { exp: 1060, iss: "x" }), ["admitted"])
      assert.deepStrictEqual(yield* verdicts({ issuer: " me " }, { exp: 1060, iss: "me" }), ["admitted"])
    })
  )

  it.effect("admit the trimmed token of the file", () =>
    Effect.gen(function* () {
      const tokenFile = relative(process.cwd(), join(yield* folder, "token"))
      const authorize = yield* AuthFlags.authorizeBy({ ...AuthFlags.none, ...capability, tokenFile })
      if (authorize === undefined) return assert.fail("everybody gets in")
      yield* authorize("Bearer open-sesame")
      assert.strictEqual((yield* Effect.flip(authorize("Bearer  "))).message, "invalid authorization header")
    }).pipe(Effect.provide([NodeServices.layer, NodeSmallFiles.layer]))
  )
})
