import { assert, describe, it } from "@effect/vitest"
import { bodyOf, headersOf, plainUrlOf, urlOf } from "../../../../src/layers/models/responses/Body.ts"
import { provider, request } from "../Scripted.ts"

describe("Body", () => {
  it("sends the required members, and omits unset ones", () => {
    assert.deepStrictEqual(
      JSON.parse(bodyOf({ ...request, metadata: { foo: "bar", thread_id: "x" } }, request.input)),
      {
        model: "gpt-5",
        stream: true,
        input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
        tool_choice: "auto",
        parallel_tool_calls: true,
        reasoning: {},
        store: false,
        include: ["reasoning.encrypted_content"],
        prompt_cache_key: "thread-1",
        client_metadata: {
          session_id: "session-1",
          thread_id: "thread-1",
          turn_id: "turn-1",
          root_turn_id: "turn-1",
          "x-codex-window-id": "thread-1:0",
          "x-codex-turn-metadata":
            '{"foo":"bar","thread_id":"thread-1","session_id":"session-1","turn_id":"turn-1","root_turn_id":"turn-1","window_id":"thread-1:0","model":"gpt-5"}'
        }
      }
    )
  })

  it("sends tools, reasoning options and the schema of the answer", () => {
    const parameters = { type: "object", properties: {} }
    const body = JSON.parse(
      bodyOf(
        {
          ...request,
          effort: "high",
          summary: "none",
          verbosity: "low",
          outputSchema: { type: "object" },
          tools: [
            { type: "function", name: "exec_command", description: "runs", parameters, strict: false },
            { type: "custom", name: "apply_patch", description: "patches", format: { type: "grammar" } }
          ]
        },
        request.input
      )
    )
    assert.deepStrictEqual(body.reasoning, { effort: "high" })
    assert.deepStrictEqual(body.text, {
      verbosity: "low",
      format: { type: "json_schema", strict: true, schema: { type: "object" }, name: "codex_output_schema" }
    })
    assert.deepStrictEqual(body.tools, [
      { type: "function", name: "exec_command", description: "runs", strict: false, parameters },
      { type: "custom", name: "apply_patch", description: "patches", format: { type: "grammar" } }
    ])
  })

  it("leaves out ids that the server would refuse", () => {
    const content = [{ type: "output_text" as const, text: "x" }]
    const body = JSON.parse(
      bodyOf(request, [
        { type: "message", role: "assistant", id: "m1", content },
        { type: "message", role: "assistant", id: "msg_1", content },
        { type: "reasoning", id: "rs1", summary: [], encrypted_content: "e" },
        { type: "function_call", id: "fc_1", call_id: "c", name: "n", arguments: "{}" },
        { type: "function_call_output", id: "any", call_id: "c", output: "done" }
      ])
    )
    assert.deepStrictEqual(body.input, [
      { type: "message", role: "assistant", content },
      { type: "message", role: "assistant", id: "msg_1", content },
      { type: "reasoning", summary: [], encrypted_content: "e" },
      { type: "function_call", id: "fc_1", call_id: "c", name: "n", arguments: "{}" },
      { type: "function_call_output", id: "any", call_id: "c", output: "done" }
    ])
  })

  it("puts the provider's query into the address, but not into what users see", () => {
    const info = { ...provider, queryParams: { "api-version": "2025 1", b: "x&y" } }
    assert.strictEqual(urlOf(info), "http://model.test/v1/responses?api-version=2025%201&b=x%26y")
    assert.strictEqual(plainUrlOf(info), "http://model.test/v1/responses")
    assert.strictEqual(urlOf(provider), "http://model.test/v1/responses")
  })

  it("sends the client's identity, which the provider may override", () => {
    const info = { ...provider, headers: { Originator: "mine", "X-Static": "a b" } }
    assert.deepStrictEqual(headersOf(request, info, [["X-Env", "value"]], "secret"), {
      originator: "mine",
      "user-agent": "probe/0.169.0",
      "session-id": "session-1",
      "thread-id": "thread-1",
      "x-client-request-id": "thread-1",
      "x-codex-window-id": "thread-1:0",
      "x-codex-turn-metadata":
        '{"session_id":"session-1","thread_id":"thread-1","turn_id":"turn-1","root_turn_id":"turn-1","window_id":"thread-1:0","model":"gpt-5"}',
      accept: "text/event-stream",
      "x-static": "a b",
      "x-env": "value",
      authorization: "Bearer secret"
    })
  })

  it("omits headers that HTTP cannot carry", () => {
    const info = { ...provider, headers: { "bad name": "x", newline: "a\nb", uni: "é" } }
    const headers = headersOf({ ...request, metadata: { note: "é\n€" } }, info, [], null)
    assert.deepStrictEqual(
      { name: headers["bad name"], newline: headers["newline"], uni: headers["uni"], key: headers["authorization"] },
      { name: undefined, newline: undefined, uni: "Ã©", key: undefined }
    )
    assert.isTrue(headers["x-codex-turn-metadata"]?.startsWith('{"note":"\\u00e9\\n\\u20ac",'))
  })
})
