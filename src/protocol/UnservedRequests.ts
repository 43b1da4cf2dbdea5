/**
 * The requests of the release that this server does not serve, with their parameters and results.
 *
 * Clients use them to call a server that does serve them. No server imports this module, so it costs no start. A request
 * becomes served when its entry moves from the resource's `UnservedRequests.ts` to its `Requests.ts` and gets a handler.
 *
 * @module
 */
import type { ClientRequest, WireSchema } from "./Method.ts"
import type { ReleasedRequestMethod } from "./ReleasedRequests.ts"
import { unservedAccountRequests } from "./v2/account/UnservedRequests.ts"
import { unservedAppRequests } from "./v2/app/UnservedRequests.ts"
import { unservedEnvironmentRequests } from "./v2/environment/UnservedRequests.ts"
import { unservedExternalAgentRequests } from "./v2/externalAgent/UnservedRequests.ts"
import { unservedFeedbackRequests } from "./v2/feedback/UnservedRequests.ts"
import { unservedFileRequests } from "./v2/file/UnservedRequests.ts"
import { unservedLegacyRequests } from "./v2/legacy/UnservedRequests.ts"
import { unservedMemoryRequests } from "./v2/memory/UnservedRequests.ts"
import { unservedModelRequests } from "./v2/model/UnservedRequests.ts"
import { unservedPluginRequests } from "./v2/plugin/UnservedRequests.ts"
import { unservedProjectRequests } from "./v2/project/UnservedRequests.ts"
import { unservedRealtimeRequests } from "./v2/realtime/UnservedRequests.ts"
import { unservedRemoteControlRequests } from "./v2/remoteControl/UnservedRequests.ts"
import { unservedServerRequests } from "./v2/server/UnservedRequests.ts"
import { unservedUserVerificationRequests } from "./v2/userVerification/UnservedRequests.ts"

// Named, because the declaration files would repeat every schema otherwise.
type Table = typeof unservedAccountRequests &
  typeof unservedAppRequests &
  typeof unservedEnvironmentRequests &
  typeof unservedExternalAgentRequests &
  typeof unservedFeedbackRequests &
  typeof unservedFileRequests &
  typeof unservedLegacyRequests &
  typeof unservedMemoryRequests &
  typeof unservedModelRequests &
  typeof unservedPluginRequests &
  typeof unservedProjectRequests &
  typeof unservedRealtimeRequests &
  typeof unservedRemoteControlRequests &
  typeof unservedServerRequests &
  typeof unservedUserVerificationRequests

/** The requests of the release that this server does not serve, by method name. */
export const unservedRequestTable: Table = {
  ...unservedAccountRequests,
  ...unservedAppRequests,
  ...unservedEnvironmentRequests,
  ...unservedExternalAgentRequests,
  ...unservedFeedbackRequests,
  ...unservedFileRequests,
  ...unservedLegacyRequests,
  ...unservedMemoryRequests,
  ...unservedModelRequests,
  ...unservedPluginRequests,
  ...unservedProjectRequests,
  ...unservedRealtimeRequests,
  ...unservedRemoteControlRequests,
  ...unservedServerRequests,
  ...unservedUserVerificationRequests
} satisfies Partial<Record<ReleasedRequestMethod, ClientRequest<WireSchema | undefined, WireSchema>>>
