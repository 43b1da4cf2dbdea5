/**
 * `Responses` with the HTTP client of Node.
 *
 * Importing this module loads the HTTP machinery, about 20 ms, so `Default.ts` imports it at the first model request.
 *
 * The client is `node:http` with its own agents. For a streamed answer it costs as little as undici and half as much as
 * `fetch`, it starts faster than both, and its agents support proxies and their exceptions.
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

/** Requests to this machine never use a proxy, whatever `NO_PROXY` contains. */
const loopback = ["localhost", "127.0.0.1", "[::1]"]

/** The value of a proxy variable in either case; lower case takes precedence, as is usual. */
const variable = (auth: Auth["Service"], name: string): Effect.Effect<string | undefined> =>
  Effect.map(Effect.all([auth.environmentKey(name.toLowerCase()), auth.environmentKey(name)]), (values) =>
    Option.getOrUndefined(Option.map(Option.firstSomeOf(values), Redacted.value))
  )

/** A proxy that agents accept; they throw for any other value. */
const proxy = (auth: Auth["Service"], name: string): Effect.Effect<string | undefined> =>
  Effect.flatMap(variable(auth, name), (value) => {
    if (value === undefined) return Effect.undefined
    const url = URL.canParse(value) ? new URL(value) : undefined
    return url?.protocol === "http:" || url?.protocol === "https:"
      ? Effect.succeed(value)
      : Effect.as(Effect.logWarning(`${name} is not an http or https URL; it is ignored`), undefined)
  })

/** Maximum size of response headers in bytes. Some gateways exceed Node's default of 16 KiB. */
export const MaxHeaderSize = 256 * 1024

/**
 * Raises the header limit of an agent's requests. Node has it as an option of a request, which Effect's client cannot pass.
 * An agent gets each request through `addRequest` before it is sent; the method is undocumented, but proxy agents have
 * overridden it since the first versions of Node. Without it Node's own limit applies.
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

/** Maximum size of a certificate file in bytes. */
const MaxCertificateBytes = 4 * 1024 * 1024

/**
 * The trusted certificates: those of Node, including `NODE_EXTRA_CA_CERTS`, and those in the file of `SSL_CERT_FILE`, as in
 * OpenSSL. Undefined for Node's default.
 */
const certificates = Effect.fnUntraced(function* (auth: Auth["Service"], files: SmallFile.SmallFiles["Service"]) {
  const file = yield* variable(auth, "SSL_CERT_FILE")
  if (file === undefined) return undefined
  const ignored = (problem: string) => Effect.as(Effect.logWarning(`SSL_CERT_FILE is ignored: ${problem}`), undefined)
  return yield* SmallFile.text(files, file, { maxBytes: MaxCertificateBytes, namedBy: "server" }).pipe(
    Effect.flatMap((text) => {
      if (text === undefined) return ignored(`${file} does not exist`)
      if (!text.includes("CERTIFICATE-----")) return ignored(`${file} has no certificate in the PEM format`)
      return Effect.succeed([...Tls.getCACertificates("default"), text])
    }),
    Effect.catch((error) => ignored(error.message))
  )
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
