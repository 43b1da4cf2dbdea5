/**
 * What the bench tells: a figure of ours beside the same figure of its peers.
 */
import type { Sample } from "./sample.ts"

/** Why there is no number. */
export interface Missing {
  readonly missing: string
}

export type Result = Sample | Missing

export const isMissing = (value: object): value is Missing => "missing" in value

/** `arrived` counts what reached the client. */
export type Unit = "us" | "ms" | "/s" | "MB" | "%" | "arrived"

/** What is to be reached: a multiple of a peer's figure, or a figure. Never a test: the table says yes or no. */
export type Target =
  | { readonly _tag: "OfPeer"; readonly peer: string; readonly limit: number; readonly later?: number }
  | { readonly _tag: "Figure"; readonly limit: number }

export interface Figure {
  /** Stable; scripts find the figure by it. */
  readonly name: string
  readonly what: string
  readonly unit: Unit
  readonly ours: Result
  /** In the order of the table. */
  readonly peers: ReadonlyMap<string, Result>
  readonly target?: Target
}

/** Of rates and of what has arrived more is better, of everything else less. */
export const moreIsBetter = (unit: Unit): boolean => unit === "/s" || unit === "arrived"

/** Ours as a multiple of the peer's. */
export const ratio = (ours: Result, peer: Result | undefined): number | undefined =>
  peer === undefined || isMissing(ours) || isMissing(peer) ? undefined : ours.median / peer.median

/** Whether the target is reached; undefined when that cannot be said. */
export const reached = ({ ours, peers, target, unit }: Figure): boolean | undefined => {
  if (target === undefined || isMissing(ours)) return undefined
  const value = target._tag === "Figure" ? ours.median : ratio(ours, peers.get(target.peer))
  if (value === undefined) return undefined
  return moreIsBetter(unit) ? value >= target.limit : value <= target.limit
}

/** Takes one contestant's figure as ours and the rest as peers. */
export const compare = (
  figure: Omit<Figure, "ours" | "peers">,
  ours: string,
  results: ReadonlyMap<string, Result>
): Figure => ({
  ...figure,
  ours: results.get(ours) ?? { missing: "not measured" },
  peers: new Map([...results].filter(([name]) => name !== ours))
})
