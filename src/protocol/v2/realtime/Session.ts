/**
 * A spoken conversation in a thread: its start and end, and what the client adds to it. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, emptyParams, named, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { RealtimeConversationVersion, ThreadRealtimeAudioChunk } from "./Realtime.ts"

/** Who speaks. */
export const ConversationTextRole = lazy(() => Schema.Literals(["user", "developer", "assistant"]))
export type ConversationTextRole = Of<typeof ConversationTextRole>

/** The voices of OpenAI's realtime API. */
export const RealtimeVoice = lazy(() =>
  Schema.Literals([
    "alloy",
    "arbor",
    "ash",
    "aube",
    "ballad",
    "breeze",
    "bubbie",
    "cedar",
    "coral",
    "cove",
    "echo",
    "ember",
    "haetsal",
    "hanul",
    "himari",
    "juniper",
    "leher",
    "maple",
    "marin",
    "miko",
    "neer",
    "porto",
    "rindo",
    "rio",
    "rivage",
    "sage",
    "selva",
    "shimmer",
    "sol",
    "sonna",
    "spruce",
    "tinta",
    "vale",
    "verse",
    "viola"
  ])
)
export type RealtimeVoice = Of<typeof RealtimeVoice>

/** How audio reaches the API: through the server, through the client's own connection, or in a call that exists. */
export const ThreadRealtimeStartTransport = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("websocket") }),
    Schema.Struct({ type: Schema.Literal("webrtc"), sdp: Schema.String }),
    Schema.Struct({ type: Schema.Literal("existingCall"), callId: Schema.String })
  ]).annotate({ identifier: "ThreadRealtimeStartTransport" })
)
export type ThreadRealtimeStartTransport = Of<typeof ThreadRealtimeStartTransport>

/**
 * `clientManagedHandoffs`: the client itself adds the agent's answers to the conversation. An absent `prompt` is the default
 * one; null is none.
 */
export const ThreadRealtimeStartParams = lazy(() =>
  named("ThreadRealtimeStartParams", {
    threadId: Schema.String,
    clientManagedHandoffs: optional(Schema.Boolean),
    delegationAckFiller: optional(Schema.Boolean),
    flushTranscriptTailOnSessionEnd: optional(Schema.Boolean),
    codexResponsesAsItems: optional(Schema.Boolean),
    codexResponseItemPrefix: optional(Schema.String),
    codexResponseHandoffMode: optional(Schema.Literals(["thinking", "commentary", "bemTags"])),
    backendReasoningStatus: absent(Schema.Boolean),
    codexResponseHandoffChannelPrefixes: optional(Schema.Record(Schema.String, Schema.Array(Schema.String))),
    model: optional(Schema.String),
    outputModality: Schema.Literals(["text", "audio"]),
    includeStartupContext: optional(Schema.Boolean),
    initialItems: optional(Schema.Array(Schema.Struct({ role: ConversationTextRole(), text: Schema.String }))),
    realtimeStartInstructions: optional(Schema.String),
    realtimeEndInstructions: optional(Schema.String),
    prompt: optional(Schema.String),
    realtimeSessionId: optional(Schema.String),
    voiceSessionId: optional(Schema.String),
    transport: optional(ThreadRealtimeStartTransport()),
    version: optional(RealtimeConversationVersion()),
    voice: optional(RealtimeVoice())
  })
)
export type ThreadRealtimeStartParams = Of<typeof ThreadRealtimeStartParams>

export const ThreadRealtimeAppendAudioParams = lazy(() =>
  named("ThreadRealtimeAppendAudioParams", {
    threadId: Schema.String,
    audio: ThreadRealtimeAudioChunk()
  })
)
export type ThreadRealtimeAppendAudioParams = Of<typeof ThreadRealtimeAppendAudioParams>

/** Default for `role`: `user`. */
export const ThreadRealtimeAppendTextParams = lazy(() =>
  named("ThreadRealtimeAppendTextParams", {
    threadId: Schema.String,
    text: Schema.String,
    role: absent(ConversationTextRole())
  })
)
export type ThreadRealtimeAppendTextParams = Of<typeof ThreadRealtimeAppendTextParams>

/** Text that the model speaks. */
export const ThreadRealtimeAppendSpeechParams = lazy(() =>
  named("ThreadRealtimeAppendSpeechParams", {
    threadId: Schema.String,
    text: Schema.String
  })
)
export type ThreadRealtimeAppendSpeechParams = Of<typeof ThreadRealtimeAppendSpeechParams>

export const ThreadRealtimeStopParams = lazy(() => named("ThreadRealtimeStopParams", { threadId: Schema.String }))
export type ThreadRealtimeStopParams = Of<typeof ThreadRealtimeStopParams>

export const ThreadRealtimeListVoicesParams = emptyParams("ThreadRealtimeListVoicesParams")
export type ThreadRealtimeListVoicesParams = Of<typeof ThreadRealtimeListVoicesParams>

/** The voices by version of the API, and the defaults. */
export const ThreadRealtimeListVoicesResponse = lazy(() =>
  Schema.Struct({
    voices: Schema.Struct({
      v1: Schema.Array(RealtimeVoice()),
      v2: Schema.Array(RealtimeVoice()),
      v3: absent(Schema.Array(RealtimeVoice())),
      defaultV1: RealtimeVoice(),
      defaultV2: RealtimeVoice()
    })
  })
)
export type ThreadRealtimeListVoicesResponse = Of<typeof ThreadRealtimeListVoicesResponse>
