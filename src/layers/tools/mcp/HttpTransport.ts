/**
 * The connection to an MCP server over streamable HTTP.
 *
 * Owns the headers of the requests, and the limits on what the server sends: a response, or one event of a stream, is at most
 * `MaxMessageBytes` long. Redirects to another origin are refused, because they would get the headers.
 *
 * @module
 */
import {
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions
} from "@modelcontextprotocol/client"
import * as Effect from "effect/Effect"
import type { HttpServer } from "../../../services/mcp/McpServerConfig.ts"
import { McpError } from "../../../services/mcp/McpError.ts"
import { MaxMessageBytes } from "./IncomingMessages.ts"

type Environment = Readonly<Record<string, string | undefined>>

const Newline = 0x0a
const Return = 0x0d

/** Fails when more than the limit arrives; of a stream of events, without an empty line, which ends an event. */
const limited = (isStream: boolean): TransformStream<Uint8Array, Uint8Array> => {
  let size = 0
  let previous = 0
  return new TransformStream({
    transform: (chunk, controller) => {
      size += chunk.length
      if (isStream) {
        for (let at = chunk.length - 1; at >= 0; at--) {
          const before = at === 0 ? previous : chunk[at - 1]
          if (chunk[at] !== Newline || (before !== Newline && before !== Return)) continue
          size = chunk.length - at - 1
          break
        }
        previous = chunk.at(-1) ?? previous
      }
      if (size > MaxMessageBytes)
        controller.error(new Error(`the server sent a message of more than ${MaxMessageBytes} bytes`))
      else controller.enqueue(chunk)
    }
  })
}

/** `fetch` with the limits. */
const boundedFetch: NonNullable<StreamableHTTPClientTransportOptions["fetch"]> = async (url, init) => {
  const response = await fetch(url, init)
  if (response.body === null) return response
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true
  const { headers, status, statusText } = response
  const bounded = new Response(response.body.pipeThrough(limited(isStream)), { headers, status, statusText })
  Object.defineProperty(bounded, "url", { value: response.url })
  return bounded
}

/** Whether the settings hold the credentials, so that no login is needed. */
export const hasCredentials = ({ bearerTokenEnvVar, envHeaders, headers }: HttpServer): boolean =>
  bearerTokenEnvVar !== null ||
  [...Object.keys(headers), ...Object.keys(envHeaders)].some((name) => name.toLowerCase() === "authorization")

/** The headers that the settings name. Fails when the variable of the bearer token is not set, as the release does. */
export const headersOf = (
  name: string,
  { bearerTokenEnvVar, envHeaders, headers }: HttpServer,
  environment: Environment
): Effect.Effect<Record<string, string>, McpError> => {
  const fromEnvironment = Object.entries(envHeaders).flatMap(([header, variable]): Array<[string, string]> => {
    const value = environment[variable] ?? ""
    return value.trim() === "" ? [] : [[header, value]]
  })
  const all = { ...headers, ...Object.fromEntries(fromEnvironment) }
  if (bearerTokenEnvVar === null) return Effect.succeed(all)
  const token = environment[bearerTokenEnvVar]
  const problem =
    token === undefined
      ? `Environment variable ${bearerTokenEnvVar} for MCP server '${name}' is not set`
      : token === ""
        ? `Environment variable ${bearerTokenEnvVar} for MCP server '${name}' is empty`
        : undefined
  return problem === undefined
    ? Effect.succeed({ ...all, Authorization: `Bearer ${token}` })
    : Effect.fail(new McpError({ reason: "unavailable", detail: problem }))
}

/** A transport that is not connected yet. `authProvider` is null when the settings hold the credentials. */
export const connect = Effect.fnUntraced(function* (
  name: string,
  server: HttpServer,
  environment: Environment,
  authProvider: OAuthClientProvider | null
): Effect.fn.Return<StreamableHTTPClientTransport, McpError> {
  const headers = yield* headersOf(name, server, environment)
  return yield* Effect.try({
    try: () =>
      new StreamableHTTPClientTransport(new URL(server.url), {
        requestInit: { headers: new Headers(headers) },
        fetch: boundedFetch,
        ...(authProvider === null ? {} : { authProvider })
      }),
    catch: (error) =>
      new McpError({ reason: "unavailable", detail: error instanceof Error ? error.message : "invalid address" })
  })
})
