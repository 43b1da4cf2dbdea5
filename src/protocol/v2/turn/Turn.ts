/**
 * A turn: the agent's work from one user request until it is complete.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { TurnError } from "./ErrorInfo.ts"
import { I64, nullable, twoWayPageOf, UnixSeconds } from "../../Fields.ts"
import { ThreadItem } from "../item/Item.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** A turn ends once, in one of the other three states. */
export const TurnStatus = lazy(() => Schema.Literals(["completed", "interrupted", "failed", "inProgress"]))
export type TurnStatus = Of<typeof TurnStatus>

/** Which items `items` contains: none, the first user and the final agent message, or all. */
export const TurnItemsView = lazy(() => Schema.Literals(["notLoaded", "summary", "full"]))
export type TurnItemsView = Of<typeof TurnItemsView>

/** Ids are UUIDs of version 7. `error` is set for failed turns only. */
export const Turn = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    rootTurnId: nullable(Schema.String),
    items: Schema.Array(ThreadItem()),
    itemsView: TurnItemsView(),
    status: TurnStatus(),
    error: nullable(TurnError()),
    startedAt: nullable(UnixSeconds),
    completedAt: nullable(UnixSeconds),
    durationMs: nullable(I64)
  })
)
export type Turn = Of<typeof Turn>

/** A page of turns. The backwards cursor includes its anchor and is used for the opposite direction. */
export const TurnsPage = lazy(() => twoWayPageOf(Turn()))
export type TurnsPage = Of<typeof TurnsPage>
