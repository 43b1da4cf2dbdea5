/**
 * Requests about sections: the groups into which the user sorts threads.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { EmptyResult, named, nullable, optional, page, pageOf } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { ThreadSection } from "./Thread.ts"

/** An icon and a color by the client's names, at most 64 bytes each. */
const AppearanceParams = lazy(() =>
  named("ThreadSectionAppearance", { icon: optional(Schema.String), color: optional(Schema.String) })
)

export const ThreadSectionListParams = lazy(() => named("ThreadSectionListParams", page))
export type ThreadSectionListParams = Of<typeof ThreadSectionListParams>

/** In the order of creation; the built-in section `Pinned` is the first. */
export const ThreadSectionListResponse = lazy(() => pageOf(ThreadSection()))
export type ThreadSectionListResponse = Of<typeof ThreadSectionListResponse>

export const ThreadSectionCreateParams = lazy(() =>
  named("ThreadSectionCreateParams", { name: Schema.String, appearance: optional(AppearanceParams()) })
)
export type ThreadSectionCreateParams = Of<typeof ThreadSectionCreateParams>

export const ThreadSectionCreateResponse = lazy(() => Schema.Struct({ section: ThreadSection() }))
export type ThreadSectionCreateResponse = Of<typeof ThreadSectionCreateResponse>

/** An absent `appearance` keeps its value, null removes it. */
export const ThreadSectionUpdateParams = lazy(() =>
  named("ThreadSectionUpdateParams", {
    sectionId: Schema.String,
    name: Schema.String,
    appearance: optional(AppearanceParams())
  })
)
export type ThreadSectionUpdateParams = Of<typeof ThreadSectionUpdateParams>

export const ThreadSectionUpdateResponse = lazy(() => Schema.Struct({ section: ThreadSection() }))
export type ThreadSectionUpdateResponse = Of<typeof ThreadSectionUpdateResponse>

export const ThreadSectionDeleteParams = lazy(() => named("ThreadSectionDeleteParams", { sectionId: Schema.String }))
export type ThreadSectionDeleteParams = Of<typeof ThreadSectionDeleteParams>

export const ThreadSectionDeleteResponse = EmptyResult
export type ThreadSectionDeleteResponse = Of<typeof ThreadSectionDeleteResponse>

/** `sectionId` null: out of its section. Without `beforeThreadId` the thread becomes the last of the section. */
export const ThreadSectionMoveParams = lazy(() =>
  named("ThreadSectionMoveParams", {
    threadId: Schema.String,
    sectionId: nullable(Schema.String),
    beforeThreadId: optional(Schema.String)
  })
)
export type ThreadSectionMoveParams = Of<typeof ThreadSectionMoveParams>

export const ThreadSectionMoveResponse = EmptyResult
export type ThreadSectionMoveResponse = Of<typeof ThreadSectionMoveResponse>

/** The definitions of sections have one writer at a time. */
const reading = Method.global("sections", { shared: true })
const writing = Method.global("sections", { shared: false })

/** By method name. */
export const sectionRequests = {
  /** Moves a thread into, within or out of a section. */
  "thread/section/move": Method.clientRequest({
    params: ThreadSectionMoveParams,
    result: ThreadSectionMoveResponse,
    schedule: writing
  }),

  /** The sections, paginated. */
  "threadSection/list": Method.clientRequest({
    params: ThreadSectionListParams,
    result: ThreadSectionListResponse,
    schedule: reading
  }),

  /** Creates a section. */
  "threadSection/create": Method.clientRequest({
    params: ThreadSectionCreateParams,
    result: ThreadSectionCreateResponse,
    schedule: writing
  }),

  /** Renames a section or changes its appearance. */
  "threadSection/update": Method.clientRequest({
    params: ThreadSectionUpdateParams,
    result: ThreadSectionUpdateResponse,
    schedule: writing
  }),

  /** Removes a section. Its threads stay, in no section. */
  "threadSection/delete": Method.clientRequest({
    params: ThreadSectionDeleteParams,
    result: ThreadSectionDeleteResponse,
    schedule: writing
  })
} as const
