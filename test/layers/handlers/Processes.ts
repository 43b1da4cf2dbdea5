import * as Effect from "effect/Effect"
import process from "node:process"
import type { ClientEvent } from "../../../src/services/client/ClientEvent.ts"
import { type Client, makeServer, nameOf, type ServerOptions } from "../../support/Server.ts"
import { paramsOf } from "../../support/Threads.ts"
import { directory } from "../tools/TestShell.ts"

export const base64 = (text: string): string => Buffer.from(text).toString("base64")

const fullAccess = [
  ["sandbox_mode", "danger-full-access"],
  ["approval_policy", "never"]
] as const

/** A server with real processes in a temporary folder, and a client of it. */
export const setUp = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const cwd = yield* directory
  const server = yield* makeServer({
    cwd,
    cliOverrides: fullAccess,
    environment: { PATH: process.env["PATH"], MY_TOKEN: "secret", OPENAI_API_KEY: "secret", PLAIN: "plain" },
    ...options
  })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  return { ...server, client, cwd }
})

interface Delta {
  readonly stream: string
  readonly deltaBase64: string
  readonly capReached: boolean
}

/** The stream, the text and the cap of a delta; undefined for another event. */
export const deltaOf = (event: ClientEvent): readonly [string, string, boolean] | undefined => {
  if (!nameOf(event).endsWith("/outputDelta")) return undefined
  // It was found by its method.
  const { capReached, deltaBase64, stream } = paramsOf(event) as Delta
  return [stream, Buffer.from(deltaBase64, "base64").toString(), capReached]
}

/** Reads events until the streamed text contains `text`. */
export const shows = (client: Client, text: string): Effect.Effect<string> => {
  let seen = ""
  return Effect.as(
    client.until((event) => {
      seen += deltaOf(event)?.[1] ?? ""
      return seen.includes(text)
    }),
    seen
  ).pipe(Effect.map(() => seen))
}
