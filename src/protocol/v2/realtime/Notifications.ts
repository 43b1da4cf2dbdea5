/**
 * A spoken conversation as it goes. Experimental.
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

/** An item of the vendor's realtime interface, passed on as it came; audio is told apart. */
export const ThreadRealtimeItemAddedNotification = lazy(() => Schema.Struct({ ...place, item: Schema.Json }))
export type ThreadRealtimeItemAddedNotification = Of<typeof ThreadRealtimeItemAddedNotification>

/** An entry of the spoken timeline has begun. */
export const ThreadRealtimeItemStartedNotification = lazy(() => Schema.Struct({ ...place, item: ThreadRealtimeItem() }))
export type ThreadRealtimeItemStartedNotification = Of<typeof ThreadRealtimeItemStartedNotification>

/** Words for an entry that has begun. */
export const ThreadRealtimeItemTranscriptDeltaNotification = lazy(() =>
  Schema.Struct({ ...place, itemId: Schema.String, delta: Schema.String })
)
export type ThreadRealtimeItemTranscriptDeltaNotification = Of<typeof ThreadRealtimeItemTranscriptDeltaNotification>

/** The entry as it stays in the timeline. */
export const ThreadRealtimeItemCompletedNotification = lazy(() =>
  Schema.Struct({ ...place, item: ThreadRealtimeItem() })
)
export type ThreadRealtimeItemCompletedNotification = Of<typeof ThreadRealtimeItemCompletedNotification>

/** Words as they are understood or spoken, without items; `role` is the speaker. */
export const ThreadRealtimeTranscriptDeltaNotification = lazy(() =>
  Schema.Struct({ ...place, role: Schema.String, delta: Schema.String })
)
export type ThreadRealtimeTranscriptDeltaNotification = Of<typeof ThreadRealtimeTranscriptDeltaNotification>

/** A stretch of speech, whole. */
export const ThreadRealtimeTranscriptDoneNotification = lazy(() =>
  Schema.Struct({ ...place, role: Schema.String, text: Schema.String })
)
export type ThreadRealtimeTranscriptDoneNotification = Of<typeof ThreadRealtimeTranscriptDoneNotification>

/** Audio to play, in order. */
export const ThreadRealtimeOutputAudioDeltaNotification = lazy(() =>
  Schema.Struct({ ...place, audio: ThreadRealtimeAudioChunk() })
)
export type ThreadRealtimeOutputAudioDeltaNotification = Of<typeof ThreadRealtimeOutputAudioDeltaNotification>

/** The other side's session description, for WebRTC. */
export const ThreadRealtimeSdpNotification = lazy(() => Schema.Struct({ ...place, sdp: Schema.String }))
export type ThreadRealtimeSdpNotification = Of<typeof ThreadRealtimeSdpNotification>

/** The conversation met a fault. */
export const ThreadRealtimeErrorNotification = lazy(() => Schema.Struct({ ...place, message: Schema.String }))
export type ThreadRealtimeErrorNotification = Of<typeof ThreadRealtimeErrorNotification>

/** The conversation is over. */
export const ThreadRealtimeClosedNotification = lazy(() => Schema.Struct({ ...place, reason: nullable(Schema.String) }))
export type ThreadRealtimeClosedNotification = Of<typeof ThreadRealtimeClosedNotification>

/** Speech and words come in pieces that only make sense together, for whoever takes part. */
const spoken = { tier: "lossless", reach: "subscribers", stability: "experimental" } as const

/** The notifications of this subject, by method name. */
export const realtimeNotifications = {
  "thread/realtime/started": Method.serverNotification({ params: ThreadRealtimeStartedNotification, ...spoken }),
  "thread/realtime/itemAdded": Method.serverNotification({ params: ThreadRealtimeItemAddedNotification, ...spoken }),
  "thread/realtime/item/started": Method.serverNotification({
    params: ThreadRealtimeItemStartedNotification,
    ...spoken
  }),
  "thread/realtime/item/transcript/delta": Method.serverNotification({
    params: ThreadRealtimeItemTranscriptDeltaNotification,
    ...spoken
  }),
  "thread/realtime/item/completed": Method.serverNotification({
    params: ThreadRealtimeItemCompletedNotification,
    ...spoken
  }),
  "thread/realtime/transcript/delta": Method.serverNotification({
    params: ThreadRealtimeTranscriptDeltaNotification,
    ...spoken
  }),
  "thread/realtime/transcript/done": Method.serverNotification({
    params: ThreadRealtimeTranscriptDoneNotification,
    ...spoken
  }),
  "thread/realtime/outputAudio/delta": Method.serverNotification({
    params: ThreadRealtimeOutputAudioDeltaNotification,
    ...spoken
  }),
  "thread/realtime/sdp": Method.serverNotification({ params: ThreadRealtimeSdpNotification, ...spoken }),
  "thread/realtime/error": Method.serverNotification({ params: ThreadRealtimeErrorNotification, ...spoken }),
  "thread/realtime/closed": Method.serverNotification({ params: ThreadRealtimeClosedNotification, ...spoken })
} as const
