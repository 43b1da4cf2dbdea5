import { assert, describe, it } from "@effect/vitest"
import { JsonEvents } from "../../../src/program/reporters/JsonReporter.ts"
import type { Item, ThreadItem } from "../../../src/protocol/v2/item/Item.ts"
import type { ServerNotification } from "../../../src/protocol/Methods.ts"
import type { Turn } from "../../../src/protocol/v2/turn/Turn.ts"
import { agentMessage } from "../../../src/testing/ThreadEvents.ts"
import { command, completed, place, started, turn } from "../Fixtures.ts"

const ended = (end: Partial<Turn>): ServerNotification => ({
  method: "turn/completed",
  params: { threadId: "thread", turn: { ...turn, ...end } }
})

const turnError = (message: string, additionalDetails: string | null = null) => ({
  message,
  additionalDetails,
  codexErrorInfo: null,
  misalignment: null
})

const change = (status: Item<"fileChange">["status"]): ThreadItem => ({
  type: "fileChange",
  id: "patch",
  changes: [
    { path: "/a", kind: { type: "add" }, diff: "+a" },
    { path: "/b", kind: { type: "update", move_path: null }, diff: "-b" }
  ],
  status
})

const mcp: Item<"mcpToolCall"> = {
  type: "mcpToolCall",
  id: "mcp",
  server: "docs",
  tool: "search",
  status: "inProgress",
  arguments: { q: "effect" },
  appContext: null,
  mcpAppUi: null,
  pluginId: null,
  readOnlyHint: null,
  result: null,
  error: null,
  durationMs: null
}

const planned = (
  ...steps: ReadonlyArray<readonly ["completed" | "inProgress" | "pending", string]>
): ServerNotification => ({
  method: "turn/plan/updated",
  params: { ...place, explanation: null, plan: steps.map(([status, step]) => ({ status, step })) }
})

const used = (inputTokens: number): ServerNotification => {
  const tokens = {
    totalTokens: inputTokens + 7,
    inputTokens,
    cachedInputTokens: 3,
    cacheWriteInputTokens: 1,
    outputTokens: 7,
    reasoningOutputTokens: 2
  }
  return {
    method: "thread/tokenUsage/updated",
    params: { ...place, tokenUsage: { total: tokens, last: tokens, modelContextWindow: null } }
  }
}

const published = (...notifications: ReadonlyArray<ServerNotification>) => {
  const events = new JsonEvents()
  return notifications.flatMap((notification) => events.of(notification))
}

const files = [
  { path: "/a", kind: "add" },
  { path: "/b", kind: "update" }
]

describe("JsonEvents", () => {
  it("reports a turn with the events of the released exec, with the usage at its end", () => {
    assert.deepStrictEqual(
      published(
        { method: "turn/started", params: { threadId: "thread", turn } },
        started(agentMessage("msg", "")),
        { method: "item/agentMessage/delta", params: { ...place, itemId: "msg", delta: "I look" } },
        completed(agentMessage("msg", "I look.")),
        started(command),
        used(10),
        completed({ ...command, status: "failed", aggregatedOutput: "no\n", exitCode: 2 }),
        completed(agentMessage("msg2", "Done.")),
        used(30),
        ended({ status: "completed" })
      ),
      [
        { type: "turn.started" },
        { type: "item.completed", item: { id: "item_0", type: "agent_message", text: "I look." } },
        {
          type: "item.started",
          item: {
            id: "item_1",
            type: "command_execution",
            command: "/bin/sh -lc ls",
            aggregated_output: "",
            exit_code: null,
            status: "in_progress"
          }
        },
        {
          type: "item.completed",
          item: {
            id: "item_1",
            type: "command_execution",
            command: "/bin/sh -lc ls",
            aggregated_output: "no\n",
            exit_code: 2,
            status: "failed"
          }
        },
        { type: "item.completed", item: { id: "item_2", type: "agent_message", text: "Done." } },
        {
          type: "turn.completed",
          usage: {
            input_tokens: 30,
            cached_input_tokens: 3,
            cache_write_input_tokens: 1,
            output_tokens: 7,
            reasoning_output_tokens: 2
          }
        }
      ]
    )
  })

  it("reports the summary of reasoning, and nothing without one", () => {
    const reasoning = (id: string, summary: ReadonlyArray<string>): ThreadItem => ({
      type: "reasoning",
      id,
      summary,
      content: ["raw"]
    })
    assert.deepStrictEqual(
      published(
        started(reasoning("r1", [])),
        completed(reasoning("r1", [])),
        completed(reasoning("r2", ["one", "two"]))
      ),
      [{ type: "item.completed", item: { id: "item_0", type: "reasoning", text: "one\ntwo" } }]
    )
  })

  it("reports a failure as an error and as the end of the turn, with details after the message", () => {
    const error = turnError("it broke", "badly")
    assert.deepStrictEqual(
      published({ method: "error", params: { ...place, error, willRetry: false } }, ended({ status: "failed", error })),
      [
        { type: "error", message: "it broke (badly)" },
        { type: "turn.failed", error: { message: "it broke (badly)" } }
      ]
    )
  })

  it("reports a failure without an error of its own with the last error, or without one", () => {
    assert.deepStrictEqual(
      [
        published(
          { method: "error", params: { ...place, error: turnError("lost"), willRetry: true } },
          ended({ status: "failed" })
        ).at(-1),
        published(ended({ status: "failed" })).at(-1)
      ],
      [
        { type: "turn.failed", error: { message: "lost" } },
        { type: "turn.failed", error: { message: "turn failed" } }
      ]
    )
  })

  it("reports nothing at the end of an interrupted turn", () => {
    assert.deepStrictEqual(published(ended({ status: "interrupted" })), [])
  })

  it("reports zero tokens when the usage is unknown", () => {
    assert.deepStrictEqual(published(ended({ status: "completed" })), [
      {
        type: "turn.completed",
        usage: {
          input_tokens: 0,
          cached_input_tokens: 0,
          cache_write_input_tokens: 0,
          output_tokens: 0,
          reasoning_output_tokens: 0
        }
      }
    ])
  })

  it("keeps one to-do list, which completes with the turn", () => {
    assert.deepStrictEqual(
      published(
        planned(["inProgress", "a"], ["pending", "b"]),
        planned(["completed", "a"], ["inProgress", "b"]),
        ended({ status: "interrupted" })
      ),
      [
        {
          type: "item.started",
          item: {
            id: "item_0",
            type: "todo_list",
            items: [
              { text: "a", completed: false },
              { text: "b", completed: false }
            ]
          }
        },
        ...["item.updated", "item.completed"].map((type) => ({
          type,
          item: {
            id: "item_0",
            type: "todo_list",
            items: [
              { text: "a", completed: true },
              { text: "b", completed: false }
            ]
          }
        }))
      ]
    )
  })

  it("reports a file change as one item from its first draft to its end; a declined one has failed", () => {
    assert.deepStrictEqual(
      published(
        {
          method: "item/fileChange/patchUpdated",
          params: { ...place, itemId: "patch", changes: [{ path: "/a", kind: { type: "add" }, diff: "+" }] }
        },
        started(change("inProgress")),
        completed(change("declined"))
      ),
      [
        {
          type: "item.updated",
          item: { id: "item_0", type: "file_change", changes: [files[0]], status: "in_progress" }
        },
        { type: "item.updated", item: { id: "item_0", type: "file_change", changes: files, status: "in_progress" } },
        { type: "item.completed", item: { id: "item_0", type: "file_change", changes: files, status: "failed" } }
      ]
    )
  })

  it("reports calls of MCP tools with their results", () => {
    const result = { content: [{ type: "text", text: "found" }], structuredContent: { n: 1 }, _meta: null }
    assert.deepStrictEqual(
      published(started(mcp), completed({ ...mcp, status: "completed", result })).map(({ item }) => item),
      [
        {
          id: "item_0",
          type: "mcp_tool_call",
          server: "docs",
          tool: "search",
          arguments: { q: "effect" },
          result: null,
          error: null,
          status: "in_progress"
        },
        {
          id: "item_0",
          type: "mcp_tool_call",
          server: "docs",
          tool: "search",
          arguments: { q: "effect" },
          result: { content: result.content, structured_content: { n: 1 } },
          error: null,
          status: "completed"
        }
      ]
    )
  })

  it("reports warnings of every kind as separate items", () => {
    const warnings = published(
      { method: "warning", params: { threadId: "thread", message: "careful" } },
      { method: "configWarning", params: { summary: "odd", details: "line 3" } },
      { method: "deprecationNotice", params: { summary: "old", details: null } },
      {
        method: "model/rerouted",
        params: { ...place, fromModel: "a", toModel: "b", reason: "highRiskCyberActivity" }
      }
    )
    assert.deepStrictEqual(
      warnings,
      ["careful", "odd (line 3)", "old", "model rerouted: a -> b (highRiskCyberActivity)"].map((text, index) => ({
        type: "item.completed",
        item: { id: `item_${index}`, type: "error", message: text }
      }))
    )
  })

  it("omits notifications that exec does not report", () => {
    const user: ThreadItem = { type: "userMessage", id: "u", clientId: null, content: [] }
    assert.deepStrictEqual(
      published(started(user), completed(user), {
        method: "thread/status/changed",
        params: { threadId: "thread", status: { type: "idle" } }
      }),
      []
    )
  })
})
