/**
 * Handlers of what belongs to the vendor's cloud, which this server does not have: accounts with limits and messages, apps, and
 * plugins. Lists are empty. What needs an account of the cloud fails as in the release without one.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { HandlersFor } from "../../services/connection/Handlers.ts"
import { invalidRequest } from "../../services/routing/RequestError.ts"

type CloudMethod =
  | "accountSession/list"
  | "account/securitySetup/read"
  | "account/workspaceMessages/read"
  | "account/rateLimits/read"
  | "account/rateLimitResetCredit/consume"
  | "account/usage/read"
  | "account/sendAddCreditsNudgeEmail"
  | "app/list"
  | "app/installed"
  | "plugin/list"
  | "plugin/installed"
  | "plugin/reconcile"

const needsAccount = (purpose: string) => {
  const error = invalidRequest(`codex account authentication required ${purpose}`)
  return () => Effect.fail(error)
}

const marketplaces = { marketplaces: [], marketplaceLoadErrors: [] }

export const handlers: HandlersFor<CloudMethod> = {
  "accountSession/list": () => Effect.succeed({ activeSessionId: null, sessions: [] }),
  "account/securitySetup/read": () => Effect.succeed({ notice: null }),
  "account/workspaceMessages/read": needsAccount("to read workspace messages"),
  "account/rateLimits/read": needsAccount("to read rate limits"),
  "account/rateLimitResetCredit/consume": needsAccount("for rate limit reset credits"),
  "account/usage/read": needsAccount("to read token usage"),
  "account/sendAddCreditsNudgeEmail": needsAccount("to notify workspace owner"),
  "app/list": () => Effect.succeed({ data: [], nextCursor: null }),
  "app/installed": () => Effect.succeed({ apps: [] }),
  "plugin/list": () => Effect.succeed({ ...marketplaces, featuredPluginIds: [] }),
  "plugin/installed": () => Effect.succeed(marketplaces),
  "plugin/reconcile": () =>
    Effect.succeed({ changedPlugins: [], failedRemotePluginIds: [], failedMaterializationRemotePluginIds: [] })
}
