/**
 * Requests about remote control that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as RemoteControl from "./RemoteControl.ts"

/** By method name. */
export const unservedRemoteControlRequests = {
  "remoteControl/enable": Method.clientRequest({
    params: RemoteControl.RemoteControlEnableParams,
    result: RemoteControl.RemoteControlStatus
  }),
  "remoteControl/disable": Method.clientRequest({
    params: RemoteControl.RemoteControlDisableParams,
    result: RemoteControl.RemoteControlStatus
  }),
  "remoteControl/status/read": Method.clientRequest({ params: undefined, result: RemoteControl.RemoteControlStatus }),
  "remoteControl/pairing/start": Method.clientRequest({
    params: RemoteControl.RemoteControlPairingStartParams,
    result: RemoteControl.RemoteControlPairingStartResponse
  }),
  "remoteControl/pairing/status": Method.clientRequest({
    params: RemoteControl.RemoteControlPairingStatusParams,
    result: RemoteControl.RemoteControlPairingStatusResponse
  }),
  "remoteControl/client/list": Method.clientRequest({
    params: RemoteControl.RemoteControlClientsListParams,
    result: RemoteControl.RemoteControlClientsListResponse
  }),
  "remoteControl/client/revoke": Method.clientRequest({
    params: RemoteControl.RemoteControlClientsRevokeParams,
    result: EmptyResult
  })
} as const
