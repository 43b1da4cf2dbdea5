/**
 * What makes two `latest` notifications of one method the same thing, so that the newer one takes the older one's place.
 *
 * @module
 */

/** One per thread. */
export const byThread = (params: { readonly threadId: string }): string => params.threadId

/** One per turn, so that a turn's last snapshot survives the next turn. A fork keeps turn ids: the thread is part of it. */
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
