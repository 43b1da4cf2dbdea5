/**
 * The tools of `spindle mcp-server`: their declarations for MCP clients, and the decoding of their arguments.
 *
 * Names and parameters are those of Codex's former MCP server, so that its clients work unchanged.
 *
 * @module
 */
import * as Schema from "effect/Schema"

/** The arguments of `codex`: a new thread and its first prompt. */
export const StartArguments = Schema.Struct({
  prompt: Schema.String,
  model: Schema.optionalKey(Schema.String),
  cwd: Schema.optionalKey(Schema.String),
  "approval-policy": Schema.optionalKey(Schema.Literals(["untrusted", "on-failure", "on-request", "never"])),
  sandbox: Schema.optionalKey(Schema.Literals(["read-only", "workspace-write", "danger-full-access"])),
  config: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  "base-instructions": Schema.optionalKey(Schema.String),
  "developer-instructions": Schema.optionalKey(Schema.String),
  "compact-prompt": Schema.optionalKey(Schema.String)
})
export type StartArguments = typeof StartArguments.Type

/** The arguments of `codex-reply`: another prompt for a thread. `conversationId` is the former name of `threadId`. */
export const ReplyArguments = Schema.Struct({
  prompt: Schema.String,
  threadId: Schema.optionalKey(Schema.String),
  conversationId: Schema.optionalKey(Schema.String)
})
export type ReplyArguments = typeof ReplyArguments.Type

const text = (description: string) => ({ type: "string", description })

const result = {
  type: "object",
  properties: { threadId: { type: "string" }, content: { type: "string" } },
  required: ["threadId", "content"]
}

/** The answer to `tools/list`. */
export const tools = [
  {
    name: "codex",
    title: "Codex",
    description:
      "Runs the first turn of a new thread of the agent, and returns its final message with the thread's id.",
    inputSchema: {
      type: "object",
      properties: {
        prompt: text("What the agent should do."),
        model: text("The model. Default: that of the configuration."),
        cwd: text("The folder to work in. A relative one is resolved against the folder of the server."),
        "approval-policy": {
          ...text("When commands need approval. Approvals are elicitations."),
          enum: ["untrusted", "on-failure", "on-request", "never"]
        },
        sandbox: {
          ...text("What commands may do without approval."),
          enum: ["read-only", "workspace-write", "danger-full-access"]
        },
        config: {
          type: "object",
          description: "Settings that override config.toml, by dotted key.",
          additionalProperties: true
        },
        "base-instructions": text("Instructions for the agent in the place of the default ones."),
        "developer-instructions": text("Instructions for the agent in addition to the default ones."),
        "compact-prompt": text("The prompt for summarizing a long conversation.")
      },
      required: ["prompt"]
    },
    outputSchema: result
  },
  {
    name: "codex-reply",
    title: "Codex Reply",
    description: "Runs another turn of a thread, and returns its final message.",
    inputSchema: {
      type: "object",
      properties: {
        prompt: text("What the agent should do next."),
        threadId: text("The id of the thread, from an earlier result."),
        conversationId: text("Deprecated: the former name of threadId.")
      },
      required: ["prompt"]
    },
    outputSchema: result
  }
]
