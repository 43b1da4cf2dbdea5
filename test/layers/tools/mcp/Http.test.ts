import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { FileName } from "../../../../src/layers/tools/mcp/CredentialStore.ts"
import { folder, makeMcp, textOf } from "./McpFixture.ts"

const limit = 60_000

/** What a request of MCP is answered with. */
const answerOf = (method: string, params: { readonly protocolVersion?: string; readonly name?: string }) => {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "web", version: "1" }
      }
    case "tools/list":
      return { tools: [{ name: "hello", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }] }
    default:
      return { content: [{ type: "text", text: `called ${params.name}` }] }
  }
}

/** A web server with an MCP endpoint, and with an authorization server where a token is needed. */
const makeWeb = (options: { readonly token?: string; readonly login?: boolean; readonly huge?: boolean }) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: Http.Server; readonly seen: Array<Http.IncomingHttpHeaders> }>((resume) => {
        const seen: Array<Http.IncomingHttpHeaders> = []
        const server = Http.createServer((request, response) => {
          const origin = `http://${request.headers.host}`
          const send = (status: number, body: object, headers: object = {}) => {
            response.writeHead(status, { "content-type": "application/json", ...headers })
            response.end(JSON.stringify(body))
          }
          let text = ""
          request.on("data", (chunk) => (text += chunk))
          request.on("end", () => {
            const path = request.url ?? ""
            if (options.login === true && path.startsWith("/.well-known/oauth-protected-resource")) {
              return send(200, { resource: `${origin}/mcp`, authorization_servers: [origin] })
            }
            if (options.login === true && path.startsWith("/.well-known/oauth-authorization-server")) {
              return send(200, {
                issuer: origin,
                authorization_endpoint: `${origin}/authorize`,
                token_endpoint: `${origin}/token`,
                registration_endpoint: `${origin}/register`,
                response_types_supported: ["code"],
                code_challenge_methods_supported: ["S256"]
              })
            }
            if (path === "/register") return send(201, { ...JSON.parse(text), client_id: "client-1" })
            if (path === "/token") {
              const code = new URLSearchParams(text).get("code")
              return code === "good"
                ? send(200, { access_token: "token-1", token_type: "Bearer", refresh_token: "refresh-1" })
                : send(400, { error: "invalid_grant" })
            }
            if (path !== "/mcp") return send(404, {})
            if (request.method !== "POST") return send(405, {})
            seen.push(request.headers)
            const needed = options.login === true ? "token-1" : options.token
            if (needed !== undefined && request.headers.authorization !== `Bearer ${needed}`) {
              const metadata = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource"`
              return send(401, {}, options.login === true ? { "www-authenticate": metadata } : {})
            }
            const message = JSON.parse(text)
            if (message.id === undefined) return response.writeHead(202).end()
            if (options.huge === true && message.method === "tools/call") {
              response.writeHead(200, { "content-type": "application/json" })
              const piece = "x".repeat(1024 * 1024)
              const more = () => void (response.writable && response.write(piece, () => setImmediate(more)))
              return more()
            }
            send(200, { jsonrpc: "2.0", id: message.id, result: answerOf(message.method, message.params ?? {}) })
          })
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, seen })))
      }),
      ({ server }) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    ({ seen, server }) => {
      // A listening TCP server has such an address.
      const { port } = server.address() as AddressInfo
      return { url: `http://127.0.0.1:${port}/mcp`, seen }
    }
  )

describe("an MCP server that is reached by HTTP", () => {
  it.live(
    "gets the headers of the settings, and serves calls",
    () =>
      Effect.gen(function* () {
        const web = yield* makeWeb({ token: "secret" })
        const mcp = yield* makeMcp({ environment: { TOKEN: "secret", TEAM: "red", EMPTY: "" } })
        const threadId = yield* mcp.startThread({
          fake: {
            url: web.url,
            bearer_token_env_var: "TOKEN",
            http_headers: { "x-plain": "1" },
            env_http_headers: { "x-team": "TEAM", "x-empty": "EMPTY", "x-missing": "MISSING" }
          }
        })
        yield* mcp.startCall(threadId, "hello")
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", "called hello"])
        const { "x-empty": empty, "x-missing": missing, "x-plain": plain, "x-team": team } = web.seen.at(-1) ?? {}
        assert.deepStrictEqual([plain, team, empty, missing], ["1", "red", undefined, undefined])
        const { data } = yield* mcp.client.request("mcpServerStatus/list", { threadId })
        assert.deepInclude(data[0], {
          authStatus: "bearerToken",
          httpOrigin: new URL(web.url).origin,
          runtimeStatus: "connected"
        })
      }),
    limit
  )

  it.live(
    "does not start without its token, and its answers are limited",
    () =>
      Effect.gen(function* () {
        const web = yield* makeWeb({ huge: true })
        const closed = yield* makeWeb({ token: "secret" })
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({
          fake: { url: web.url },
          unset: { url: web.url, bearer_token_env_var: "NOT_SET" },
          closed: { url: closed.url },
          nowhere: { url: "not an address" }
        })
        const problems = new Map<string, string | null>()
        while (problems.size < 3) {
          const { error, name, status } = yield* mcp.client.notified("mcpServer/startupStatus/updated")
          if (status === "failed") problems.set(name, error)
        }
        const failed = (name: string, detail: string) =>
          `MCP client for \`${name}\` failed to start: MCP startup failed: ${detail}`
        assert.deepStrictEqual(Object.fromEntries([...problems].toSorted()), {
          closed: problems.get("closed") ?? "",
          nowhere: failed("nowhere", "Invalid URL"),
          unset: failed("unset", "Environment variable NOT_SET for MCP server 'unset' is not set")
        })
        yield* mcp.startCall(threadId, "hello")
        const [, text] = textOf(yield* mcp.output)
        assert.match(String(text), /^tool call error: tool call failed for `fake\/hello`/)
      }),
    limit
  )

  it.live(
    "is used after a login, whose tokens only the user can read",
    () =>
      Effect.gen(function* () {
        const web = yield* makeWeb({ login: true })
        const home = yield* folder
        writeFileSync(join(home, "config.toml"), `[mcp_servers.fake]\nurl = "${web.url}"\n`)
        const mcp = yield* makeMcp({ home })
        const threadId = yield* mcp.startThread({ fake: { url: web.url } })
        const refused = yield* mcp.state("fake")
        assert.deepInclude(refused, { status: "failed", failureReason: "reauthenticationRequired" })
        const { authorizationUrl, loginId } = yield* mcp.client.request("mcpServer/oauth/login", { name: "fake" })
        const address = new URL(authorizationUrl)
        assert.strictEqual(address.pathname, "/authorize")
        const { client_id, code_challenge_method, redirect_uri = "", state } = Object.fromEntries(address.searchParams)
        assert.deepStrictEqual([client_id, code_challenge_method], ["client-1", "S256"])
        const visit = (query: Record<string, string>) =>
          Effect.promise(() => fetch(`${redirect_uri}?${new URLSearchParams(query)}`).then(({ status }) => status))
        // A page that guesses does not complete the login.
        assert.strictEqual(yield* visit({ code: "good", state: "guessed" }), 404)
        assert.strictEqual(yield* visit({ code: "good", state: state ?? "" }), 200)
        assert.deepStrictEqual(yield* mcp.client.notified("mcpServer/oauthLogin/completed"), {
          name: "fake",
          threadId: null,
          loginId: loginId ?? null,
          success: true
        })
        const file = join(home, FileName)
        assert.strictEqual(statSync(file).mode & 0o777, 0o600)
        assert.include(readFileSync(file, "utf8"), "token-1")
        // The list waits until the server has started again.
        const { data } = yield* mcp.client.request("mcpServerStatus/list", { threadId })
        assert.deepInclude(data[0], { authStatus: "oAuth", runtimeStatus: "connected" })
        yield* mcp.startCall(threadId, "hello")
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", "called hello"])
      }),
    limit
  )

  it.live(
    "reports a login that fails",
    () =>
      Effect.gen(function* () {
        const web = yield* makeWeb({ login: true })
        const home = yield* folder
        writeFileSync(join(home, "config.toml"), `[mcp_servers.fake]\nurl = "${web.url}"\n`)
        const mcp = yield* makeMcp({ home })
        const login = mcp.client.request("mcpServer/oauth/login", { name: "fake" })
        const address = new URL((yield* login).authorizationUrl)
        const state = address.searchParams.get("state") ?? ""
        const callback = address.searchParams.get("redirect_uri") ?? ""
        yield* Effect.promise(() => fetch(`${callback}?${new URLSearchParams({ error: "access_denied", state })}`))
        assert.deepInclude(yield* mcp.client.notified("mcpServer/oauthLogin/completed"), {
          success: false,
          error: "access_denied"
        })
      }),
    limit
  )
})
