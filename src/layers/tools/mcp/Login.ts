/**
 * Logins at MCP servers with OAuth: the page for the user, the callback on this machine, and the tokens of later connections.
 *
 * ```
 *  start ─► metadata, client registration ─► address for the user
 *        ─► callback with a code ─► tokens stored
 * ```
 *
 * Owns the callback server, which listens on the loopback interface for one login. Does not own the protocol: that is the
 * SDK's.
 *
 * @module
 */
import {
  auth,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState
} from "@modelcontextprotocol/client"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import type { HttpServer } from "../../../services/mcp/McpServerConfig.ts"
import { echo, McpLoginError } from "../../../services/mcp/McpError.ts"
import type { CredentialStore } from "./CredentialStore.ts"

/** A login at one server. */
export interface LoginOptions {
  readonly name: string
  readonly server: HttpServer
  readonly store: CredentialStore
  readonly scopes: ReadonlyArray<string> | null
  /** The port of the callback; 0 for any. */
  readonly callbackPort: number
}

/** A login that the user has to complete. */
export interface StartedLogin {
  readonly authorizationUrl: string
  /** Waits for the user, then stores the tokens. */
  readonly completed: Effect.Effect<void, McpLoginError>
}

const metadataOf = (redirectUrl: string, scopes: ReadonlyArray<string> | null): OAuthClientMetadata => ({
  client_name: "Spindle",
  redirect_uris: [redirectUrl],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
  ...(scopes === null ? {} : { scope: scopes.join(" ") })
})

/** Stored credentials as the SDK reads them. Without a page for the user, a login that has expired fails. */
const providerOf = (
  { name, server, store }: Pick<LoginOptions, "name" | "server" | "store">,
  redirectUrl: string,
  scopes: ReadonlyArray<string> | null,
  interactive: { readonly state: string; readonly onAddress: (url: URL) => void } | null
): OAuthClientProvider => {
  let verifier = ""
  let discovery: OAuthDiscoveryState | undefined
  const { oauthClientId, url } = server
  const update = async (change: Parameters<CredentialStore["write"]>[2]) =>
    store.write(name, url, { ...(await store.read(name, url)), ...change })
  return {
    redirectUrl,
    clientMetadata: metadataOf(redirectUrl, scopes),
    ...(interactive === null ? {} : { state: () => interactive.state }),
    clientInformation: async () =>
      oauthClientId === null ? (await store.read(name, url)).client : { client_id: oauthClientId },
    saveClientInformation: (client) => update({ client }),
    tokens: async () => (await store.read(name, url)).tokens,
    saveTokens: (tokens) => update({ tokens }),
    redirectToAuthorization: (address) => {
      if (interactive === null) throw new Error("the login has expired")
      interactive.onAddress(address)
    },
    saveCodeVerifier: (text) => {
      verifier = text
    },
    codeVerifier: () => verifier,
    saveDiscoveryState: (state) => {
      discovery = state
    },
    discoveryState: () => discovery,
    invalidateCredentials: async (scope) => {
      if (scope === "all" || scope === "client") await store.write(name, url, undefined)
      else if (scope === "tokens") await update({ tokens: undefined })
    }
  }
}

/** The stored login of a server, for its connections. Null when nobody has logged in. */
export const stored = (
  options: Pick<LoginOptions, "name" | "server" | "store">
): Effect.Effect<OAuthClientProvider | null> =>
  Effect.tryPromise(() => options.store.read(options.name, options.server.url)).pipe(
    // A file that cannot be read is as good as none for a connection.
    Effect.orElseSucceed(() => ({ tokens: undefined })),
    Effect.map(({ tokens }) =>
      tokens === undefined ? null : providerOf(options, "http://127.0.0.1/callback", options.server.scopes, null)
    )
  )

interface Callback {
  readonly redirectUrl: string
  readonly code: Effect.Effect<string, McpLoginError>
}

/** Waits on the loopback interface for the browser of the user. Only a request with the state of this login counts. */
const listen = (
  { callbackPort, name }: LoginOptions,
  state: string
): Effect.Effect<Callback, McpLoginError, Scope.Scope> =>
  Effect.gen(function* () {
    const code = Deferred.makeUnsafe<string, McpLoginError>()
    const failed = (detail: string) => new McpLoginError({ server: name, detail })
    const server = yield* Effect.acquireRelease(
      Effect.callback<Http.Server, McpLoginError>((resume) => {
        const server = Http.createServer((request, response) => {
          const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1")
          if (request.method !== "GET" || pathname !== "/callback" || searchParams.get("state") !== state) {
            response.writeHead(404).end()
            return
          }
          const given = searchParams.get("code")
          const problem = searchParams.get("error") ?? "the authorization server sent no code"
          // The end of the login closes this server, so the page is sent first.
          response.once("close", () => {
            Deferred.doneUnsafe(code, given === null ? Exit.fail(failed(echo(problem))) : Exit.succeed(given))
          })
          response.writeHead(200, { "content-type": "text/plain; charset=utf-8", connection: "close" })
          response.end(given === null ? "The login failed. You can close this window." : "You can close this window.")
        })
        server.once("error", (error) => resume(Effect.fail(failed(error.message))))
        server.listen(callbackPort, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    )
    // A listening TCP server has such an address.
    const { port } = server.address() as AddressInfo
    return { redirectUrl: `http://127.0.0.1:${port}/callback`, code: Deferred.await(code) }
  })

/** Starts a login. The callback is served until the scope closes. */
export const start = Effect.fnUntraced(function* (
  options: LoginOptions
): Effect.fn.Return<StartedLogin, McpLoginError, Scope.Scope> {
  const { name, scopes, server } = options
  const state = randomBytes(32).toString("base64url")
  const callback = yield* listen(options, state)
  let address: URL | undefined
  const provider = providerOf(options, callback.redirectUrl, scopes, {
    state,
    onAddress: (url) => void (address = url)
  })
  const attempt = (more: { readonly authorizationCode?: string }) =>
    Effect.tryPromise({
      try: () =>
        auth(
          // The user wants a new login, also when there are tokens.
          more.authorizationCode === undefined ? { ...provider, tokens: () => undefined } : provider,
          { serverUrl: server.url, ...(scopes === null ? {} : { scope: scopes.join(" ") }), ...more }
        ),
      catch: (error) =>
        new McpLoginError({ server: name, detail: echo(error instanceof Error ? error.message : "the login failed") })
    })
  yield* attempt({})
  if (address === undefined) return yield* new McpLoginError({ server: name, detail: "no page to log in was named" })
  return {
    authorizationUrl: address.href,
    completed: Effect.flatMap(callback.code, (authorizationCode) => Effect.asVoid(attempt({ authorizationCode })))
  }
})
