/**
 * Events of a realtime voice conversation. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { RealtimeConversationVersion, ThreadRealtimeAudioChunk, ThreadRealtimeItem } from "./Realtime.ts"

const place = { threadId: Schema.String }

/** The conversation is open. */
export const ThreadRealtimeStartedNotification = lazy(() =>
  Schema.Struct({
    ...place,
    realtimeSessionId: nullable(Schema.String),
    version: RealtimeConversationVersion()
  })
)
export type ThreadRealtimeStartedNotification = Of<typeof ThreadRealtimeStartedNotification>

/** An item of OpenAI's realtime API, passed on unchanged; audio has its own notification. */
export const ThreadRealtimeItemAddedNotification = lazy(() => Schema.Struct({ ...place, item: Schema.Json }))
export type ThreadRealtimeItemAddedNotification = Of<typeof ThreadRealtimeItemAddedNotification>

/** An item of the voice timeline started. */
export const ThreadRealtimeItemStartedNotification = lazy(() => Schema.Struct({ ...place, item: ThreadRealtimeItem() }))
export type ThreadRealtimeItemStartedNotification = Of<typeof ThreadRealtimeItemStartedNotification>

/** Transcript text of an item that started. */
export const ThreadRealtimeItemTranscriptDeltaNotification = lazy(() =>
  Schema.Struct({ ...place, itemId: Schema.String, delta: Schema.String })
)
export type ThreadRealtimeItemTranscriptDeltaNotification = Of<typeof ThreadRealtimeItemTranscriptDeltaNotification>

/** The final state of the item in the timeline. */
export const ThreadRealtimeItemCompletedNotification = lazy(() =>
  Schema.Struct({ ...place, item: ThreadRealtimeItem() })
)
export type ThreadRealtimeItemCompletedNotification = Of<typeof ThreadRealtimeItemCompletedNotification>

/** Transcript text as it is recognized or spoken, without items; `role` is the speaker. */
export const ThreadRealtimeTranscriptDeltaNotification = lazy(() =>
  Schema.Struct({ ...place, role: Schema.String, delta: Schema.String })
)
export type ThreadRealtimeTranscriptDeltaNotification = Of<typeof ThreadRealtimeTranscriptDeltaNotification>

/** A complete transcript segment. */
export const ThreadRealtimeTranscriptDoneNotification = lazy(() =>
  Schema.Struct({ ...place, role: Schema.String, text: Schema.String })
)
export type ThreadRealtimeTranscriptDoneNotification = Of<typeof ThreadRealtimeTranscriptDoneNotification>

/** Audio to play, in order. */
export const ThreadRealtimeOutputAudioDeltaNotification = lazy(() =>
  Schema.Struct({ ...place, audio: ThreadRealtimeAudioChunk() })
)
export type ThreadRealtimeOutputAudioDeltaNotification = Of<typeof ThreadRealtimeOutputAudioDeltaNotification>

/** The remote session description, for WebRTC. */
export const ThreadRealtimeSdpNotification = lazy(() => Schema.Struct({ ...place, sdp: Schema.String }))
export type ThreadRealtimeSdpNotification = Of<typeof ThreadRealtimeSdpNotification>

/** An error in the conversation. */
export const ThreadRealtimeErrorNotification = lazy(() => Schema.Struct({ ...place, message: Schema.String }))
export type ThreadRealtimeErrorNotification = Of<typeof ThreadRealtimeErrorNotification>

/** The conversation ended. */
export const ThreadRealtimeClosedNotification = lazy(() => Schema.Struct({ ...place, reason: nullable(Schema.String) }))
export type ThreadRealtimeClosedNotification = Of<typeof ThreadRealtimeClosedNotification>

/** Audio and transcripts come in pieces that all subscribers must receive completely. */
const stream = { tier: "lossless", reach: "subscribers", stability: "experimental" } as const

/** The notifications of this resource, by method name. */
export const realtimeNotifications = {
  "thread/realtime/started": Method.serverNotification({ params: ThreadRealtimeStartedNotification, ...stream }),
  "thread/realtime/itemAdded": Method.serverNotification({ params: ThreadRealtimeItemAddedNotification, ...stream }),
  "thread/realtime/item/started": Method.serverNotification({
    params: ThreadRealtimeItemStartedNotification,
    ...stream
  }),
  "thread/realtime/item/transcript/delta": Method.serverNotification({
    params: ThreadRealtimeItemTranscriptDeltaNotification,
    ...stream
  }),
  "thread/realtime/item/completed": Method.serverNotification({
    params: ThreadRealtimeItemCompletedNotification,
    ...stream
  }),
  "thread/realtime/transcript/delta": Method.serverNotification({
    params: ThreadRealtimeTranscriptDeltaNotification,
    ...stream
  }),
  "thread/realtime/transcript/done": Method.serverNotification({
    params: ThreadRealtimeTranscriptDoneNotification,
    ...stream
  }),
  "thread/realtime/outputAudio/delta": Method.serverNotification({
    params: ThreadRealtimeOutputAudioDeltaNotification,
    ...stream
  }),
  "thread/realtime/sdp": Method.serverNotification({ params: ThreadRealtimeSdpNotification, ...stream }),
  "thread/realtime/error": Method.serverNotification({ params: ThreadRealtimeErrorNotification, ...stream }),
  "thread/realtime/closed": Method.serverNotification({ params: ThreadRealtimeClosedNotification, ...stream })
} as const
