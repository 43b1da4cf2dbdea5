/**
 * A realtime voice conversation of a thread: its audio, and the items that it adds to the thread's timeline. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { orNull, U16, U32 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The version of OpenAI's realtime API that a session uses. */
export const RealtimeConversationVersion = lazy(() => Schema.Literals(["v1", "v2", "v3"]))
export type RealtimeConversationVersion = Of<typeof RealtimeConversationVersion>

/** An audio chunk: base64 PCM samples. `sampleRate` is in hertz. */
export const ThreadRealtimeAudioChunk = lazy(() =>
  Schema.Struct({
    data: Schema.String,
    sampleRate: U32,
    numChannels: U16,
    samplesPerChannel: orNull(U32),
    itemId: orNull(Schema.String)
  }).annotate({ identifier: "ThreadRealtimeAudioChunk" })
)
export type ThreadRealtimeAudioChunk = Of<typeof ThreadRealtimeAudioChunk>

/** How an item that was promoted into the conversation is displayed; `index` counts the item's visualizations. */
export const ThreadRealtimeBemItemPresentation = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("wholeItem") }),
    Schema.Struct({ type: Schema.Literal("inlineMarkdown") }),
    Schema.Struct({ type: Schema.Literal("inlineVisualization"), index: U32 })
  ])
)
export type ThreadRealtimeBemItemPresentation = Of<typeof ThreadRealtimeBemItemPresentation>

const identity = { id: Schema.String, realtimeSessionId: Schema.String }

/**
 * An entry of the voice timeline. The promoted item has `turnId` and `itemId`, as the released server sends it; the
 * release's JSON Schema spells them with an underscore.
 */
export const ThreadRealtimeItem = lazy(() =>
  Schema.Union([
    Schema.Struct({ ...identity, type: Schema.Literal("realtimeSessionStarted") }),
    Schema.Struct({
      ...identity,
      type: Schema.Literal("transcriptSegment"),
      role: Schema.Literals(["user", "assistant"]),
      text: Schema.String
    }),
    Schema.Struct({
      ...identity,
      type: Schema.Literal("bemItemPromoted"),
      turnId: Schema.String,
      itemId: Schema.String,
      presentation: ThreadRealtimeBemItemPresentation()
    }),
    Schema.Struct({
      ...identity,
      type: Schema.Literal("realtimeSessionClosed"),
      outcome: Schema.Literals(["ended", "failed"])
    })
  ])
)
export type ThreadRealtimeItem = Of<typeof ThreadRealtimeItem>
