/**
 * The flags for listen addresses and authentication.
 *
 * @module
 */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as AppServer from "../../layers/AppServer.ts"
import { type AuthFlags, Mode } from "../../layers/transports/auth/AuthFlags.ts"
import * as Listen from "../../layers/transports/ListenAddress.ts"
import * as ServeStdio from "../ServeStdio.ts"
import { UsageError } from "./Usage.ts"

const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

export const flags = {
  listen: Flag.String("listen").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "Listen address: stdio:// (the default), unix:// (in the home folder), unix://PATH, ws://IP:PORT, or off. " +
        "May be repeated"
    ),
    Flag.atLeast(0)
  ),
  stdio: Flag.Boolean("stdio").pipe(
    Flag.withoutNegation,
    Flag.withDescription("The same as --listen stdio://"),
    Flag.withDefault(false)
  ),
  allowOrigin: Flag.String("allow-origin").pipe(
    Flag.withMetavar("ORIGIN"),
    Flag.withDescription(
      "Allow web pages of this origin, such as https://example.org, to connect to ws://. May be repeated"
    ),
    Flag.atLeast(0)
  ),
  wsAuth: Flag.Literals("ws-auth", Mode.literals).pipe(
    Flag.withMetavar("MODE"),
    Flag.withDescription("Authentication of ws:// clients, with the header Authorization: Bearer TOKEN"),
    Flag.optional
  ),
  wsTokenFile: text("ws-token-file", "FILE", "File with the capability token; surrounding white space is ignored"),
  wsTokenSha256: text("ws-token-sha256", "HEX", "SHA-256 digest of the capability token, instead of a file"),
  wsSharedSecretFile: text(
    "ws-shared-secret-file",
    "FILE",
    "File with the secret for signed tokens (JWT, HS256); at least 32 bytes"
  ),
  wsIssuer: text("ws-issuer", "NAME", "Required issuer (iss claim) of a signed token"),
  wsAudience: text("ws-audience", "NAME", "Required audience (aud claim) of a signed token"),
  wsMaxClockSkewSeconds: Flag.Int("ws-max-clock-skew-seconds").pipe(
    Flag.filter(
      (seconds) => seconds >= 0,
      () => "the clock skew must not be negative"
    ),
    Flag.withMetavar("SECONDS"),
    Flag.withDescription("Allowed clock difference to the token's issuer; default 30"),
    Flag.optional
  )
}

/** The same for the top-level command, whose help refers to the subcommand for the other flags. */
export const briefFlags = {
  ...flags,
  allowOrigin: Flag.withHidden(flags.allowOrigin),
  wsAuth: Flag.withHidden(flags.wsAuth),
  wsTokenFile: Flag.withHidden(flags.wsTokenFile),
  wsTokenSha256: Flag.withHidden(flags.wsTokenSha256),
  wsSharedSecretFile: Flag.withHidden(flags.wsSharedSecretFile),
  wsIssuer: Flag.withHidden(flags.wsIssuer),
  wsAudience: Flag.withHidden(flags.wsAudience),
  wsMaxClockSkewSeconds: Flag.withHidden(flags.wsMaxClockSkewSeconds)
}

/** The flags as given on the command line. */
export interface ListenInput {
  readonly listen: ReadonlyArray<string>
  readonly stdio: boolean
  readonly allowOrigin: ReadonlyArray<string>
  readonly wsAuth: Option.Option<typeof Mode.Type>
  readonly wsTokenFile: Option.Option<string>
  readonly wsTokenSha256: Option.Option<string>
  readonly wsSharedSecretFile: Option.Option<string>
  readonly wsIssuer: Option.Option<string>
  readonly wsAudience: Option.Option<string>
  readonly wsMaxClockSkewSeconds: Option.Option<number>
}

const authOf = (input: ListenInput): AuthFlags => ({
  mode: Option.getOrUndefined(input.wsAuth),
  tokenFile: Option.getOrUndefined(input.wsTokenFile),
  tokenSha256: Option.getOrUndefined(input.wsTokenSha256),
  sharedSecretFile: Option.getOrUndefined(input.wsSharedSecretFile),
  issuer: Option.getOrUndefined(input.wsIssuer),
  audience: Option.getOrUndefined(input.wsAudience),
  maxClockSkewSeconds: Option.getOrUndefined(input.wsMaxClockSkewSeconds)
})

/** Serves at the given addresses and returns the exit code. With stdio only, no other transport is loaded. */
export const serve = Effect.fnUntraced(function* (input: ListenInput, server: AppServer.AppServerOptions) {
  if (input.stdio && input.listen.length > 0) {
    return yield* new UsageError({ message: "--stdio cannot be used with --listen" })
  }
  const parsed = Listen.parseAll(input.listen)
  if (Result.isFailure(parsed)) return yield* new UsageError({ message: parsed.failure.message })
  const listens = parsed.success
  const auth = authOf(input)
  const isPlain = Object.values(auth).every((flag) => flag === undefined)
  if (isPlain && listens.length === 1 && listens[0]?._tag === "Stdio") return yield* ServeStdio.run(server)
  const Listening = yield* Effect.promise(() => import("../ServeSockets.ts"))
  return yield* Listening.run({ listens, auth, allowedOrigins: input.allowOrigin }, server)
})
