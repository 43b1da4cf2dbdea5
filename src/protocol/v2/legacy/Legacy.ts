/**
 * Requests of version 1 of the protocol that the release still answers. Version 2 replaces each of them.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { named, nullable, optional, PathText } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { AuthMode } from "../account/Account.ts"
import { SubAgentSource } from "../thread/Thread.ts"

/** The thread by its file or by its id. */
export const GetConversationSummaryParams = lazy(() =>
  Schema.Union([
    Schema.Struct({ rolloutPath: Schema.String }),
    Schema.Struct({ conversationId: Schema.String })
  ]).annotate({
    identifier: "GetConversationSummaryParams",
    untagged: "GetConversationSummaryParams"
  })
)
export type GetConversationSummaryParams = Of<typeof GetConversationSummaryParams>

/** The kind of program that started the thread. */
export const LegacySessionSource = lazy(() =>
  Schema.Union([
    Schema.Literals(["cli", "vscode", "exec", "mcp", "unknown"]),
    Schema.Struct({ custom: Schema.String }),
    Schema.Struct({ internal: Schema.Literals(["memory_consolidation", "guardian"]) }),
    Schema.Struct({ subagent: SubAgentSource() })
  ])
)
export type LegacySessionSource = Of<typeof LegacySessionSource>

/** A stored thread. Times are in RFC 3339. */
export const ConversationSummary = lazy(() =>
  Schema.Struct({
    conversationId: Schema.String,
    path: Schema.String,
    preview: Schema.String,
    timestamp: nullable(Schema.String),
    updatedAt: nullable(Schema.String),
    modelProvider: Schema.String,
    cwd: Schema.String,
    cliVersion: Schema.String,
    source: LegacySessionSource(),
    gitInfo: nullable(
      Schema.Struct({
        sha: nullable(Schema.String),
        branch: nullable(Schema.String),
        origin_url: nullable(Schema.String)
      })
    )
  })
)
export type ConversationSummary = Of<typeof ConversationSummary>

export const GetConversationSummaryResponse = lazy(() => Schema.Struct({ summary: ConversationSummary() }))
export type GetConversationSummaryResponse = Of<typeof GetConversationSummaryResponse>

export const GitDiffToRemoteParams = lazy(() => named("GitDiffToRemoteParams", { cwd: PathText }))
export type GitDiffToRemoteParams = Of<typeof GitDiffToRemoteParams>

/** The newest commit that the remote repository has, and the changes since. */
export const GitDiffToRemoteResponse = lazy(() => Schema.Struct({ sha: Schema.String, diff: Schema.String }))
export type GitDiffToRemoteResponse = Of<typeof GitDiffToRemoteResponse>

export const GetAuthStatusParams = lazy(() =>
  named("GetAuthStatusParams", {
    includeToken: optional(Schema.Boolean),
    refreshToken: optional(Schema.Boolean)
  })
)
export type GetAuthStatusParams = Of<typeof GetAuthStatusParams>

export const GetAuthStatusResponse = lazy(() =>
  Schema.Struct({
    authMethod: nullable(AuthMode()),
    authToken: nullable(Schema.String),
    requiresOpenaiAuth: nullable(Schema.Boolean)
  })
)
export type GetAuthStatusResponse = Of<typeof GetAuthStatusResponse>
