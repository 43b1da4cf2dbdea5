/**
 * The logins that the server keeps, and the workspaces of each. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, I64, named, nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

export const AccountSessionsListParams = lazy(() =>
  named("AccountSessionsListParams", { refreshWorkspaceMetadata: absent(Schema.Boolean) })
)
export type AccountSessionsListParams = Of<typeof AccountSessionsListParams>

/** A workspace of a login. */
export const AccountSessionWorkspace = lazy(() =>
  Schema.Struct({
    accountId: Schema.String,
    name: nullable(Schema.String),
    imageUrl: nullable(Schema.String),
    kind: nullable(Schema.Literals(["personal", "workspace"]))
  })
)
export type AccountSessionWorkspace = Of<typeof AccountSessionWorkspace>

/** A login with its workspaces, of which one is selected. */
export const AccountSession = lazy(() =>
  Schema.Struct({
    sessionId: Schema.String,
    email: nullable(Schema.String),
    userId: nullable(Schema.String),
    displayName: nullable(Schema.String),
    imageUrl: nullable(Schema.String),
    lastUsedAt: I64,
    isActive: Schema.Boolean,
    selectedWorkspaceAccountId: nullable(Schema.String),
    workspaces: Schema.Array(AccountSessionWorkspace())
  })
)
export type AccountSession = Of<typeof AccountSession>

export const AccountSessionsResponse = lazy(() =>
  Schema.Struct({
    activeSessionId: nullable(Schema.String),
    sessions: Schema.Array(AccountSession())
  })
)
export type AccountSessionsResponse = Of<typeof AccountSessionsResponse>

/** `accountId` is that of the workspace. `allowBrowserLogin`: begin a login in a browser if the workspace needs one. */
export const AccountSessionsSwitchParams = lazy(() =>
  named("AccountSessionsSwitchParams", {
    sessionId: Schema.String,
    accountId: Schema.String,
    allowBrowserLogin: absent(Schema.Boolean)
  })
)
export type AccountSessionsSwitchParams = Of<typeof AccountSessionsSwitchParams>

/** The logins after the change, or the login that it needs first. */
export const AccountSessionsSwitchResponse = lazy(() =>
  Schema.Union([AccountSessionsResponse(), Schema.Struct({ loginId: Schema.String, authUrl: Schema.String })])
)
export type AccountSessionsSwitchResponse = Of<typeof AccountSessionsSwitchResponse>
