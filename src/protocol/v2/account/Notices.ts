/**
 * Notices for the user of an account: security reminders and the messages of a workspace.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** A reminder, and the page that it leads to. It belongs to the account that is named in it. */
export const AccountSecuritySetupNotice = lazy(() =>
  Schema.Struct({
    accountId: Schema.String,
    userId: Schema.String,
    title: Schema.String,
    description: Schema.String,
    action: Schema.Struct({ label: Schema.String, url: Schema.String })
  })
)
export type AccountSecuritySetupNotice = Of<typeof AccountSecuritySetupNotice>

export const GetAccountSecuritySetupResponse = lazy(() =>
  Schema.Struct({ notice: nullable(AccountSecuritySetupNotice()) })
)
export type GetAccountSecuritySetupResponse = Of<typeof GetAccountSecuritySetupResponse>

/** A message of the workspace. */
export const WorkspaceMessage = lazy(() =>
  Schema.Struct({
    messageId: Schema.String,
    messageType: Schema.Literals(["headline", "announcement", "unknown"]),
    messageBody: Schema.String,
    createdAt: nullable(UnixSeconds),
    archivedAt: nullable(UnixSeconds)
  })
)
export type WorkspaceMessage = Of<typeof WorkspaceMessage>

/** The active messages. `featureEnabled` is false when the account has no access to them. */
export const GetWorkspaceMessagesResponse = lazy(() =>
  Schema.Struct({
    featureEnabled: Schema.Boolean,
    messages: Schema.Array(WorkspaceMessage())
  })
)
export type GetWorkspaceMessagesResponse = Of<typeof GetWorkspaceMessagesResponse>
