/**
 * A figure of this server with the same figure of its peers.
 */
import type { Sample } from "./sample.ts"

/** Why a figure is missing. */
export interface Missing {
  readonly missing: string
}

export type Result = Sample | Missing

export const isMissing = (value: object): value is Missing => "missing" in value

/** `arrived` counts what reached the client. */
export type Unit = "us" | "ms" | "/s" | "MB/s" | "KiB" | "MB" | "%" | "arrived"

/** The target: a multiple of a peer's figure, or a figure. It is not a test: the table shows yes or no. */
export type Target =
  | { readonly _tag: "OfPeer"; readonly peer: string; readonly limit: number; readonly later?: number }
  | { readonly _tag: "Figure"; readonly limit: number }

export interface Figure {
  /** Stable; scripts use it as a key. */
  readonly name: string
  readonly what: string
  readonly unit: Unit
  readonly ours: Result
  /** In the order of the table. */
  readonly peers: ReadonlyMap<string, Result>
  readonly target?: Target
}

/** For rates and arrivals a higher figure is better, for everything else a lower one. */
export const moreIsBetter = (unit: Unit): boolean => unit === "/s" || unit === "MB/s" || unit === "arrived"

/** This server's figure as a multiple of the peer's. */
export const ratio = (ours: Result, peer: Result | undefined): number | undefined =>
  peer === undefined || isMissing(ours) || isMissing(peer) ? undefined : ours.median / peer.median

/** Whether the target is reached; undefined when it cannot be determined. */
export const reached = ({ ours, peers, target, unit }: Figure): boolean | undefined => {
  if (target === undefined || isMissing(ours)) return undefined
  const value = target._tag === "Figure" ? ours.median : ratio(ours, peers.get(target.peer))
  if (value === undefined) return undefined
  return moreIsBetter(unit) ? value >= target.limit : value <= target.limit
}

/** Takes one contestant's figure as this server's and the rest as peers. */
export const compare = (
  figure: Omit<Figure, "ours" | "peers">,
  ours: string,
  results: ReadonlyMap<string, Result>
): Figure => ({
  ...figure,
  ours: results.get(ours) ?? { missing: "not measured" },
  peers: new Map([...results].filter(([name]) => name !== ours))
})
