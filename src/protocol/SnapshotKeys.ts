/**
 * Keys of `latest` notifications: of two notifications of one method with equal keys, the newer replaces the older.
 *
 * @module
 */

/** One per thread. */
export const byThread = (params: { readonly threadId: string }): string => params.threadId

/** One per turn: a turn's last snapshot survives the next turn. A fork keeps turn ids, so the key has the thread. */
export const byTurn = (params: { readonly threadId: string; readonly turnId: string }): string =>
  `${params.threadId}/${params.turnId}`

/** One per item. */
export const byItem = (params: {
  readonly threadId: string
  readonly turnId: string
  readonly itemId: string
}): string => `${params.threadId}/${params.turnId}/${params.itemId}`

/** One for the server. */
export const single = (): string => ""
