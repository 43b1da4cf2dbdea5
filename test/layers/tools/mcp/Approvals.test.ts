import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { decide, hintsOf } from "../../../../src/layers/tools/mcp/Approval.ts"
import { withApproval } from "../../../../src/layers/tools/mcp/LastingApproval.ts"
import type { AskForApproval, SandboxPolicy } from "../../../../src/protocol/v2/thread/Settings.ts"
import type { ApprovalMode } from "../../../../src/services/mcp/McpServerConfig.ts"
import { fake, folder, makeMcp, textOf } from "./McpFixture.ts"

const limit = 60_000

const annotated = (annotations: Record<string, boolean>) => hintsOf({ name: "x", annotations })
const tools = {
  reads: annotated({ readOnlyHint: true }),
  readsAndDestroys: annotated({ readOnlyHint: true, destructiveHint: true }),
  writes: annotated({ readOnlyHint: false }),
  silent: hintsOf({ name: "x" }),
  harmless: annotated({ destructiveHint: false, openWorldHint: false }),
  open: annotated({ destructiveHint: false }),
  closed: annotated({ openWorldHint: false })
}

const granular = (mcp_elicitations: boolean): AskForApproval => ({
  granular: { sandbox_approval: true, rules: true, skill_approval: false, request_permissions: false, mcp_elicitations }
})
const policies: ReadonlyArray<AskForApproval> = ["never", "on-request", "untrusted", granular(false), granular(true)]
const full: SandboxPolicy = { type: "dangerFullAccess" }
const readOnly: SandboxPolicy = { type: "readOnly", networkAccess: false }

/** The tools whose calls ask in each mode. Every other call runs. */
const asking: Readonly<Record<ApprovalMode, ReadonlyArray<keyof typeof tools>>> = {
  auto: ["writes", "silent", "open", "closed"],
  writes: ["writes", "silent", "harmless", "open", "closed"],
  prompt: ["reads", "readsAndDestroys", "writes", "silent", "harmless", "open", "closed"],
  approve: []
}

describe("the decision about a call", () => {
  for (const mode of ["auto", "writes", "prompt", "approve"] as const) {
    it(`asks in mode ${mode} where the release asks`, () => {
      for (const [name, hints] of Object.entries(tools)) {
        const asks = asking[mode].some((one) => one === name)
        for (const policy of policies) {
          const expected = asks ? (policy === "never" ? "refuse" : "ask") : "run"
          assert.strictEqual(decide(mode, hints, policy, readOnly), expected, `${name} ${JSON.stringify(policy)}`)
          const unconfined = asks && policy !== "never" ? "ask" : "run"
          assert.strictEqual(decide(mode, hints, policy, full), unconfined, `${name} ${JSON.stringify(policy)}`)
        }
      }
    })
  }

  it("takes a hint that is no boolean as the dangerous one", () => {
    const hints = hintsOf({ name: "x", annotations: { readOnlyHint: "true", destructiveHint: 0, openWorldHint: null } })
    assert.deepStrictEqual(hints, { readOnly: null, destructive: null, openWorld: null })
    assert.strictEqual(decide("auto", hints, "on-request", readOnly), "ask")
  })
})

const declinedOutput = ["Wall time\nOutput:", "user rejected MCP tool call"]
const called = ["Wall time\nOutput:", "called destroy"]

describe("the approval of a call", () => {
  it.live(
    "is a form for the user, and its answer decides about the call",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({ fake: fake() })
        const { turn } = yield* mcp.startCall(threadId, "destroy", { what: "all" })
        const { id, method, params } = yield* mcp.client.asked
        assert.deepStrictEqual(
          { method, params },
          {
            method: "mcpServer/elicitation/request",
            params: {
              threadId,
              turnId: turn.id,
              serverName: "fake",
              mode: "form",
              _meta: {
                codex_approval_kind: "mcp_tool_call",
                persist: ["session", "always"],
                tool_name: "destroy",
                tool_description: "the tool destroy",
                tool_params: { what: "all" },
                tool_params_display: [{ name: "what", value: "all", display_name: "what" }]
              },
              message: 'Allow the fake MCP server to run tool "destroy"?',
              requestedSchema: { type: "object", properties: {} }
            }
          }
        )
        yield* mcp.client.handle.respondToServerRequest(id, { action: "decline" })
        assert.deepStrictEqual(textOf(yield* mcp.output), declinedOutput)
        const answers = [
          [{ action: "cancel" }, ["Wall time\nOutput:", "user cancelled MCP tool call"]],
          [{ action: "nonsense" }, declinedOutput],
          ["nonsense", declinedOutput],
          [{ action: "accept" }, called],
          [{ action: "accept", _meta: { persist: "nonsense" } }, called],
          [{ action: "accept", _meta: { persist: "session" } }, called]
        ] as const
        for (const [answer, output] of answers) {
          yield* mcp.startCall(threadId, "destroy")
          yield* mcp.client.handle.respondToServerRequest((yield* mcp.client.asked).id, answer)
          assert.deepStrictEqual(textOf(yield* mcp.output), output, JSON.stringify(answer))
        }
        // It was approved for the session.
        yield* mcp.startCall(threadId, "destroy")
        assert.deepStrictEqual(textOf(yield* mcp.output), called)
      }),
    limit
  )

  it.live(
    "is not asked for under the policy never: the call is refused",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({ fake: fake() }, { approvalPolicy: "never", sandbox: "read-only" })
        yield* mcp.startCall(threadId, "destroy")
        const refusal = "MCP tool call requires approval, but approval policy is never"
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", refusal])
      }),
    limit
  )

  it.live(
    "that is always given is recorded in the settings of the user",
    () =>
      Effect.gen(function* () {
        const home = yield* folder
        const file = join(home, "config.toml")
        mkdirSync(home, { recursive: true })
        writeFileSync(file, '# mine\n[mcp_servers.fake]\ncommand = "x"\n', { mode: 0o600 })
        const mcp = yield* makeMcp({ home })
        const threadId = yield* mcp.startThread({ fake: fake() })
        yield* mcp.startCall(threadId, "destroy")
        yield* mcp.client.handle.respondToServerRequest((yield* mcp.client.asked).id, {
          action: "accept",
          _meta: { persist: "always" }
        })
        assert.deepStrictEqual(textOf(yield* mcp.output), called)
        assert.strictEqual(
          readFileSync(file, "utf8"),
          '# mine\n[mcp_servers.fake]\ncommand = "x"\n\n[mcp_servers.fake.tools.destroy]\napproval_mode = "approve"\n'
        )
      }),
    limit
  )

  it("is recorded only where nothing else changes", () => {
    const server = '[mcp_servers."a b"]\ncommand = "x"'
    assert.strictEqual(
      withApproval(server, "a b", 'q"\n]'),
      `${server}\n\n[mcp_servers."a b".tools."q\\"\\n]"]\napproval_mode = "approve"\n`
    )
    for (const text of [
      "",
      "nonsense",
      '[mcp_servers.other]\ncommand = "x"',
      `${server}\n[mcp_servers."a b".tools.t]\napproval_mode = "prompt"`,
      `${server}\ntools = { u = { approval_mode = "prompt" } }`,
      'mcp_servers = { "a b" = { command = "x" } }'
    ]) {
      assert.isUndefined(withApproval(text, "a b", "t"), text)
    }
  })
})

describe("a request of a server to the user", () => {
  it.live(
    "is asked in the turn of its call, and answered",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({ fake: fake() })
        const { turn } = yield* mcp.startCall(threadId, "elicit")
        const { id, params } = yield* mcp.client.asked
        assert.deepStrictEqual(params, {
          threadId,
          turnId: turn.id,
          serverName: "fake",
          mode: "form",
          _meta: null,
          message: "Your name?",
          requestedSchema: { type: "object", properties: { name: { type: "string" } } }
        })
        yield* mcp.client.handle.respondToServerRequest(id, { action: "accept", content: { name: "Ada" } })
        const answer = '{"action":"accept","content":{"name":"Ada"}}'
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", answer])
        yield* mcp.startCall(threadId, "elicitUrl")
        const visit = yield* mcp.client.asked
        assert.include(visit.params, { mode: "url", url: "https://example.com/", elicitationId: "e1" })
        yield* mcp.client.handle.respondToServerRequest(visit.id, { action: "cancel" })
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", '{"action":"cancel"}'])
      }),
    limit
  )

  it.live(
    "is declined under the policy never, and refused when it is no form",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const never = yield* mcp.startThread({ fake: fake() }, { approvalPolicy: "never" })
        yield* mcp.startCall(never, "elicit")
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", '{"action":"decline"}'])
        const asking = yield* mcp.startThread({ fake: fake() })
        yield* mcp.startCall(asking, "elicit", { params: { message: 1, requestedSchema: { type: "array" } } })
        const text = textOf(yield* mcp.output)[1]
        assert.strictEqual(
          text,
          '{"error":{"code":-32603,"message":"the elicitation does not have the form that MCP defines"}}'
        )
      }),
    limit
  )

  it.live(
    "is declined when calls of two threads are in progress",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const first = yield* mcp.startThread({ fake: fake({}, { tool_timeout_sec: 20 }) })
        const second = yield* mcp.startThread({ fake: fake({}, { tool_timeout_sec: 20 }) })
        yield* mcp.startCall(first, "never")
        yield* mcp.client.notified("item/started")
        yield* mcp.client.names("item/started")
        yield* mcp.startCall(second, "elicit")
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", '{"action":"decline"}'])
      }),
    limit
  )
})
