/**
 * Only the HTTP exchange of a turn: Effect's HttpClient posts, and its Sse reads the response. The argument is the URL.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import * as Sse from "effect/encoding/Sse"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { callAll } from "./loop.ts"
import type { Calls } from "./worker.ts"

export const start = async (url: string): Promise<Calls> => {
  const runtime = ManagedRuntime.make(NodeHttpClient.layerNodeHttpOptions({ keepAlive: true }))
  const input = [{ type: "message", role: "user", content: [{ type: "input_text", text: "Say a word." }] }]
  const body = { model: "gpt-5.5", instructions: "word ".repeat(2000), input, stream: true }
  const request = HttpClientRequest.post(url).pipe(
    HttpClientRequest.bearerToken("x"),
    HttpClientRequest.bodyJsonUnsafe(body)
  )
  const call = () =>
    HttpClient.execute(request).pipe(
      Effect.flatMap((response) =>
        response.stream.pipe(Stream.decodeText, Stream.pipeThroughChannel(Sse.decode()), Stream.runDrain)
      )
    )
  return { run: (calls, inFlight) => runtime.runPromise(callAll(call, calls, inFlight)) }
}
