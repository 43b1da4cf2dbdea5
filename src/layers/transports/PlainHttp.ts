/**
 * Serves HTTP requests without an upgrade: pages, probes, and errors.
 *
 * Owns the routes. A page is for authorised clients: it is served under a `Host` of the server, with the token where one is
 * required. HttpUpgrade has already checked the `Origin`. This module loads Effect's HTTP server, which takes about ten
 * milliseconds, so it is imported with the first such request.
 *
 * @module
 */
import type * as Http from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import { TracerDisabledWhen } from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import {
  type Admission,
  headersOf,
  isOwnHost,
  isReading,
  notToBeWritten,
  type Page,
  pathOf,
  type Reply,
  reply,
  screen
} from "./HttpScreen.ts"

export interface PlainHttpOptions {
  readonly admission: Admission
  /** Pages by path. */
  readonly pages: ReadonlyMap<string, Page>
}

/** Paths match exactly, like those of the probes. */
const exactly = { caseSensitive: true, ignoreDuplicateSlashes: false, ignoreTrailingSlash: false }

const toResponse = (answer: Reply): HttpServerResponse.HttpServerResponse => {
  const { "Content-Length": _, ...headers } = headersOf(answer)
  const options = { status: answer.status, headers: headers as Record<string, string> }
  return answer.text === ""
    ? HttpServerResponse.empty({ ...options, headers: { ...options.headers, "Content-Length": "0" } })
    : HttpServerResponse.text(answer.text, { ...options, contentType: String(headers["Content-Type"]) })
}

/** Checks Node's request, as for an upgrade. */
const answering = (decide: (request: Http.IncomingMessage) => Effect.Effect<Reply>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    // The server speaks HTTP/1 only.
    Effect.map(decide(NodeRequest.toIncomingMessage(request) as Http.IncomingMessage), toResponse)
  )

/** A handler for Node's server, until the scope closes. */
export const make = Effect.fnUntraced(function* ({ admission, pages }: PlainHttpOptions) {
  const scope = yield* Effect.scope
  const router = yield* Effect.provideService(HttpRouter.make, HttpRouter.RouterConfig, exactly)
  const { authorize = () => Effect.void } = admission

  const noPage = (request: Http.IncomingMessage) => screen(request, admission) ?? reply(400)

  const show = (path: string, page: Page, request: Http.IncomingMessage): Effect.Effect<Reply> => {
    // For example the absolute form of a request to a proxy.
    if (pathOf(request.url) !== path) return Effect.succeed(noPage(request))
    if (!isOwnHost(request.headers.host, admission)) return Effect.succeed(reply(403))
    if (!isReading(request.method)) return Effect.succeed(notToBeWritten)
    return authorize(request.headers.authorization).pipe(
      Effect.andThen(page.text),
      Effect.match({
        onFailure: ({ reason }) => reply(401, reason),
        onSuccess: (text) => reply(200, text, { "Content-Type": page.contentType })
      })
    )
  }

  for (const [path, page] of pages) {
    yield* router.add(
      "*",
      path as HttpRouter.PathInput,
      answering((request) => show(path, page, request))
    )
  }
  const handled = Effect.catch(router.asHttpEffect(), () => answering((request) => Effect.succeed(noPage(request))))
  return yield* NodeHttpServer.makeHandler(handled, { scope }).pipe(
    Effect.provideService(TracerDisabledWhen, () => true)
  )
})
