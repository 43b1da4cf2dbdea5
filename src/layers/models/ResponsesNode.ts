/**
 * `Responses` with the HTTP client of Node.
 *
 * Importing this module loads the HTTP machinery, some 20 ms: `Default.ts` does so when a model is first asked.
 *
 * The client is `node:http` with agents of its own. Against undici and `fetch` it costs as little as the first and half of
 * the second for a streamed answer, starts quicker than both, and its agents know proxies and their exceptions.
 *
 * @module
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Auth } from "../../services/Auth.ts"
import type { Config } from "../../services/Config.ts"
import type { ModelProvider } from "../../services/ModelProvider.ts"
import * as Responses from "./Responses.ts"

/** This machine is never behind a proxy, whatever `NO_PROXY` says. */
const loopback = ["localhost", "127.0.0.1", "[::1]"]

/** The value of a proxy variable in either case; the lower case is stronger, as everywhere. */
const variable = (auth: Auth["Service"], name: string): Effect.Effect<string | undefined> =>
  Effect.map(Effect.all([auth.environmentKey(name.toLowerCase()), auth.environmentKey(name)]), (values) =>
    Option.getOrUndefined(Option.map(Option.firstSomeOf(values), Redacted.value))
  )

/** A proxy that agents can use; anything else they would refuse to start with. */
const proxy = (auth: Auth["Service"], name: string): Effect.Effect<string | undefined> =>
  Effect.flatMap(variable(auth, name), (value) => {
    if (value === undefined) return Effect.undefined
    const url = URL.canParse(value) ? new URL(value) : undefined
    return url?.protocol === "http:" || url?.protocol === "https:"
      ? Effect.succeed(value)
      : Effect.as(Effect.logWarning(`${name} is not an http or https URL; it is ignored`), undefined)
  })

/** An HTTP client that keeps connections alive until the scope is closed and honours the proxy variables. */
export const httpClient: Layer.Layer<HttpClient.HttpClient, never, Auth> = Layer.unwrap(
  Effect.gen(function* () {
    const auth = yield* Auth
    const http = yield* proxy(auth, "HTTP_PROXY")
    const https = yield* proxy(auth, "HTTPS_PROXY")
    const direct = yield* variable(auth, "NO_PROXY")
    const noProxy = [...(direct === undefined ? [] : [direct]), ...loopback].join(",")
    return NodeHttpClient.layerNodeHttpOptions({
      keepAlive: true,
      proxyEnv: { HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: noProxy }
    })
  })
)

export const layer: Layer.Layer<ModelProvider, never, Config | Auth> = Layer.provide(Responses.layer, httpClient)
