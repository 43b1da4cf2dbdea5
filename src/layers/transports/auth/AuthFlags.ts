/**
 * Converts the `--ws-*` flags to an authorization.
 *
 * Owns which flags can be combined, the files they name, and the startup errors, which are those of the release. Secrets are
 * `Redacted` and appear in no error.
 *
 * @module
 */
import * as Hex from "effect/encoding/Hex"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SmallFiles from "../../../services/config/SmallFiles.ts"
import type { Authorize } from "./Authorize.ts"
import * as CapabilityToken from "./CapabilityToken.ts"

export const Mode = Schema.Literals(["capability-token", "signed-bearer-token"])

/** The flags of the command line; undefined for absent ones. */
export interface AuthFlags {
  readonly mode: typeof Mode.Type | undefined
  readonly tokenFile: string | undefined
  readonly tokenSha256: string | undefined
  readonly sharedSecretFile: string | undefined
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly maxClockSkewSeconds: number | undefined
}

/** No authentication is configured. */
export const none: AuthFlags = {
  mode: undefined,
  tokenFile: undefined,
  tokenSha256: undefined,
  sharedSecretFile: undefined,
  issuer: undefined,
  audience: undefined,
  maxClockSkewSeconds: undefined
}

/** Flags that cannot be combined, or an invalid file. The server does not start. */
export class AuthFlagsError extends Schema.TaggedError<AuthFlagsError>()("AuthFlagsError", {
  message: Schema.String
}) {}

const fail = (message: string) => Effect.fail(new AuthFlagsError({ message }))

const isGiven = (...flags: ReadonlyArray<unknown>): boolean => flags.some((flag) => flag !== undefined)

/** An empty name counts as absent, because a script may pass an unset variable. */
const nameOf = (flag: string | undefined): string | undefined => {
  const name = flag?.trim()
  return name === "" ? undefined : name
}

/** Maximum size of a secret's file in bytes. */
const MaxSecretBytes = 64 * 1024

/** The trimmed text of a secret's file. */
const readSecret = Effect.fnUntraced(function* (flag: string) {
  const file = (yield* Path.Path).resolve(flag)
  const failed = (problem: string) => fail(`failed to read websocket auth secret ${file}: ${problem}`)
  const options = { maxBytes: MaxSecretBytes, namedBy: "server" } as const
  const text = yield* Effect.catch(SmallFiles.text(yield* SmallFiles.SmallFiles, file, options), (error) =>
    failed(error.reason === "notRegular" ? "not a file" : error.detail)
  )
  if (text === undefined) return yield* failed("no such file")
  const secret = text.trim()
  if (secret === "") return yield* fail(`websocket auth secret ${file} must not be empty`)
  return { file, secret: Redacted.make(secret, { label: "websocket auth secret" }) }
})

const digestOf = (flag: string): Result.Result<Uint8Array, AuthFlagsError> => {
  const digest = Result.getOrUndefined(Hex.decode(flag.trim().toLowerCase()))
  return digest?.length === 32
    ? Result.succeed(digest)
    : Result.fail(new AuthFlagsError({ message: "--ws-token-sha256 must be a 64-character hex SHA-256 digest" }))
}

const capabilityToken = Effect.fnUntraced(function* (flags: AuthFlags) {
  const { audience, issuer, maxClockSkewSeconds, sharedSecretFile, tokenFile, tokenSha256 } = flags
  if (isGiven(sharedSecretFile, issuer, audience, maxClockSkewSeconds)) {
    return yield* fail(
      "`--ws-shared-secret-file`, `--ws-issuer`, `--ws-audience`, and `--ws-max-clock-skew-seconds` require `--ws-auth signed-bearer-token`"
    )
  }
  if (tokenFile !== undefined && tokenSha256 !== undefined) {
    return yield* fail("`--ws-token-file` and `--ws-token-sha256` are mutually exclusive")
  }
  if (tokenSha256 !== undefined) return CapabilityToken.authorize(yield* Effect.fromResult(digestOf(tokenSha256)))
  if (tokenFile === undefined) {
    return yield* fail("`--ws-token-file` or `--ws-token-sha256` is required when `--ws-auth capability-token` is set")
  }
  const { secret } = yield* readSecret(tokenFile)
  return CapabilityToken.authorize(CapabilityToken.digestOf(secret))
})

const signedBearerToken = Effect.fnUntraced(function* (flags: AuthFlags) {
  if (isGiven(flags.tokenFile, flags.tokenSha256)) {
    return yield* fail(
      "`--ws-token-file` and `--ws-token-sha256` require `--ws-auth capability-token`, not `signed-bearer-token`"
    )
  }
  if (flags.sharedSecretFile === undefined) {
    return yield* fail("`--ws-shared-secret-file` is required when `--ws-auth signed-bearer-token` is set")
  }
  const SignedBearerToken = yield* Effect.promise(() => import("./SignedBearerToken.ts"))
  const { file, secret } = yield* readSecret(flags.sharedSecretFile)
  const bytes = new TextEncoder().encode(Redacted.value(secret))
  if (bytes.length < SignedBearerToken.MinSecretBytes) {
    return yield* fail(
      `signed websocket bearer secret ${file} must be at least ${SignedBearerToken.MinSecretBytes} bytes`
    )
  }
  return SignedBearerToken.authorize({
    secret: Redacted.make(bytes, { label: "websocket auth secret" }),
    issuer: nameOf(flags.issuer),
    audience: nameOf(flags.audience),
    maxClockSkewSeconds: flags.maxClockSkewSeconds ?? SignedBearerToken.DefaultClockSkewSeconds
  })
})

/** The authorization of these flags; undefined admits every client. Relative files are relative to the working directory. */
export const authorizeBy = (
  flags: AuthFlags
): Effect.Effect<Authorize | undefined, AuthFlagsError, Path.Path | SmallFiles.SmallFiles> => {
  switch (flags.mode) {
    case "capability-token":
      return capabilityToken(flags)
    case "signed-bearer-token":
      return signedBearerToken(flags)
    case undefined:
      return isGiven(...Object.values(flags))
        ? fail("websocket auth flags require `--ws-auth capability-token` or `--ws-auth signed-bearer-token`")
        : Effect.undefined
  }
}
