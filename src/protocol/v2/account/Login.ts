/**
 * Logging in and out, at OpenAI or at the gateway of a model provider.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, named, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { GatewayOAuthStatus } from "./Notifications.ts"

/**
 * A login by its kind. `chatgpt` continues in a browser, `chatgptDeviceCode` on another device; the others bring the
 * credential. Tokens of `chatgptAuthTokens` are renewed by the client.
 */
export const LoginAccountParams = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("apiKey"), apiKey: Schema.String }),
    Schema.Struct({
      type: Schema.Literal("chatgpt"),
      codexStreamlinedLogin: absent(Schema.Boolean),
      useHostedLoginSuccessPage: absent(Schema.Boolean),
      appBrand: optional(Schema.Literals(["codex", "chatgpt"]))
    }),
    Schema.Struct({ type: Schema.Literal("chatgptDeviceCode") }),
    Schema.Struct({
      type: Schema.Literal("chatgptAuthTokens"),
      accessToken: Schema.String,
      chatgptAccountId: Schema.String,
      chatgptPlanType: optional(Schema.String)
    }),
    Schema.Struct({ type: Schema.Literal("amazonBedrock"), apiKey: Schema.String, region: Schema.String }),
    Schema.Struct({
      type: Schema.Literal("amazonBedrockAccessKeys"),
      accessKeyId: Schema.String,
      secretAccessKey: Schema.String,
      sessionToken: optional(Schema.String),
      region: Schema.String
    })
  ]).annotate({ identifier: "LoginAccountParams" })
)
export type LoginAccountParams = Of<typeof LoginAccountParams>

/** `chatgpt` and `chatgptDeviceCode` have begun: `account/login/completed` reports their end under `loginId`. */
export const LoginAccountResponse = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("apiKey") }),
    Schema.Struct({ type: Schema.Literal("chatgpt"), loginId: Schema.String, authUrl: Schema.String }),
    Schema.Struct({
      type: Schema.Literal("chatgptDeviceCode"),
      loginId: Schema.String,
      verificationUrl: Schema.String,
      userCode: Schema.String
    }),
    Schema.Struct({ type: Schema.Literal("chatgptAuthTokens") }),
    Schema.Struct({ type: Schema.Literal("amazonBedrock") })
  ])
)
export type LoginAccountResponse = Of<typeof LoginAccountResponse>

export const CancelLoginAccountParams = lazy(() => named("CancelLoginAccountParams", { loginId: Schema.String }))
export type CancelLoginAccountParams = Of<typeof CancelLoginAccountParams>

export const CancelLoginAccountResponse = lazy(() =>
  Schema.Struct({ status: Schema.Literals(["canceled", "notFound"]) })
)
export type CancelLoginAccountResponse = Of<typeof CancelLoginAccountResponse>

/** Default for `modelProvider`: the current one. */
export const GatewayOAuthReadParams = lazy(() =>
  Schema.NullOr(named("GatewayOAuthReadParams", { modelProvider: optional(Schema.String) }))
)
export type GatewayOAuthReadParams = Of<typeof GatewayOAuthReadParams>

/** Whether a provider needs a login at its gateway, and its state. */
export const GatewayOAuthReadResponse = lazy(() =>
  Schema.Struct({
    providerId: Schema.String,
    providerName: Schema.String,
    required: Schema.Boolean,
    supportsDeviceAuth: absent(Schema.Boolean),
    status: nullable(GatewayOAuthStatus()),
    error: nullable(Schema.String)
  })
)
export type GatewayOAuthReadResponse = Of<typeof GatewayOAuthReadResponse>

/** `deviceAuth`: on another device, if the gateway supports it. Default for `modelProvider`: the current one. */
export const GatewayOAuthLoginParams = lazy(() =>
  Schema.NullOr(
    named("GatewayOAuthLoginParams", { modelProvider: optional(Schema.String), deviceAuth: absent(Schema.Boolean) })
  )
)
export type GatewayOAuthLoginParams = Of<typeof GatewayOAuthLoginParams>

/** What the user enters on another device. */
export const GatewayOAuthPrompt = lazy(() =>
  Schema.Struct({
    loginId: Schema.String,
    verificationUrl: Schema.String,
    userCode: Schema.String
  })
)
export type GatewayOAuthPrompt = Of<typeof GatewayOAuthPrompt>

export const GatewayOAuthLoginResponse = lazy(() => Schema.Struct({ prompt: nullable(GatewayOAuthPrompt()) }))
export type GatewayOAuthLoginResponse = Of<typeof GatewayOAuthLoginResponse>
