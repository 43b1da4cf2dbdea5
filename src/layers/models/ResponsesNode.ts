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
import * as Tls from "node:tls"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Auth } from "../../services/account/Auth.ts"
import type { Config } from "../../services/config/Config.ts"
import * as SmallFile from "../../services/config/SmallFiles.ts"
import type { ModelProvider } from "../../services/model/ModelProvider.ts"
import * as Responses from "./Responses.ts"

/** This machine is never behind a proxy, whatever `NO_PROXY` is. */
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

/** Bytes of the headers of an answer; Node's own limit is 16 KiB for all of them, which some gateways exceed. */
export const MaxHeaderSize = 256 * 1024

/**
 * Lets the requests of an agent take larger headers. Node has this as an option of a request, and the client of Effect does
 * not pass any on. `addRequest` is where an agent gets each request before it is sent; it is not documented, but proxy agents
 * have overridden it since the first versions of Node. Without it Node's own limit holds.
 */
const enlarge = (agent: object): void => {
  const add: unknown = Reflect.get(agent, "addRequest")
  if (typeof add !== "function") return
  Reflect.set(agent, "addRequest", function (this: unknown, request: object, ...rest: ReadonlyArray<unknown>): unknown {
    Reflect.set(request, "maxHeaderSize", MaxHeaderSize)
    return Reflect.apply(add, this, [request, ...rest])
  })
}

const roomy = (agents: Layer.Layer<NodeHttpClient.HttpAgent>) =>
  Effect.map(Layer.build(agents), (built) => {
    const pair = Context.get(built, NodeHttpClient.HttpAgent)
    enlarge(pair.http)
    enlarge(pair.https)
    return pair
  })

/** Bytes of a file with certificates. */
const MaxCertificateBytes = 4 * 1024 * 1024

/**
 * The certificates that servers are checked with: those of Node, which `NODE_EXTRA_CA_CERTS` adds to, and those in the file
 * that `SSL_CERT_FILE` names, as OpenSSL reads it. Undefined leaves the choice to Node.
 */
const certificates = Effect.fnUntraced(function* (auth: Auth["Service"], files: SmallFile.SmallFiles["Service"]) {
  const file = yield* variable(auth, "SSL_CERT_FILE")
  if (file === undefined) return undefined
  const text = yield* SmallFile.text(files, file, { maxBytes: MaxCertificateBytes, namedBy: "server" }).pipe(
    Effect.catch((error) => Effect.as(Effect.logWarning(`SSL_CERT_FILE is ignored: ${error.message}`), undefined))
  )
  return text === undefined ? undefined : [...Tls.getCACertificates("default"), text]
})

/** An HTTP client that keeps connections alive until the scope is closed and honours the proxy variables. */
export const httpClient: Layer.Layer<HttpClient.HttpClient, never, Auth | SmallFile.SmallFiles> = Layer.unwrap(
  Effect.gen(function* () {
    const auth = yield* Auth
    const http = yield* proxy(auth, "HTTP_PROXY")
    const https = yield* proxy(auth, "HTTPS_PROXY")
    const direct = yield* variable(auth, "NO_PROXY")
    const ca = yield* certificates(auth, yield* SmallFile.SmallFiles)
    const noProxy = [...(direct === undefined ? [] : [direct]), ...loopback].join(",")
    const agents = NodeHttpClient.layerAgentOptions({
      keepAlive: true,
      ...(ca === undefined ? {} : { ca }),
      proxyEnv: { HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: noProxy }
    })
    return Layer.provide(NodeHttpClient.layerNodeHttpNoAgent, Layer.effect(NodeHttpClient.HttpAgent, roomy(agents)))
  })
)

export const layer: Layer.Layer<ModelProvider, never, Config | Auth | SmallFile.SmallFiles> = Layer.provide(
  Responses.layer,
  httpClient
)
