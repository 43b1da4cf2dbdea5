/**
 * Requests about spoken conversations that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Session from "./Session.ts"

/** By method name. */
export const unservedRealtimeRequests = {
  "thread/realtime/start": Method.clientRequest({ params: Session.ThreadRealtimeStartParams, result: EmptyResult }),
  "thread/realtime/appendAudio": Method.clientRequest({
    params: Session.ThreadRealtimeAppendAudioParams,
    result: EmptyResult
  }),
  "thread/realtime/appendText": Method.clientRequest({
    params: Session.ThreadRealtimeAppendTextParams,
    result: EmptyResult
  }),
  "thread/realtime/appendSpeech": Method.clientRequest({
    params: Session.ThreadRealtimeAppendSpeechParams,
    result: EmptyResult
  }),
  "thread/realtime/stop": Method.clientRequest({ params: Session.ThreadRealtimeStopParams, result: EmptyResult }),
  "thread/realtime/listVoices": Method.clientRequest({
    params: Session.ThreadRealtimeListVoicesParams,
    result: Session.ThreadRealtimeListVoicesResponse
  })
} as const
