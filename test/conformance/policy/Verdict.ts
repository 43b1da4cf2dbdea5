/**
 * What a server did with a command, in order of its freedom.
 *
 * @module
 */
import type { Outcome } from "./Run.ts"

/**
 * - `refused`: it did not run, and nobody was asked
 * - `asked`: it did not run before somebody was asked
 * - `confined`: it ran unasked, and left no mark outside of the sandbox
 * - `free`: it ran unasked, with nothing to hold it
 */
export type Verdict = "refused" | "asked" | "confined" | "free"

const order: ReadonlyArray<Verdict> = ["refused", "asked", "confined", "free"]

/** How much freedom a verdict gives. */
export const freedom = (verdict: Verdict): number => order.indexOf(verdict)

/** The release reports no item for some commands that its sandbox stops; the model is told of their end all the same. */
const ended = /^(Chunk ID|Wall time|Process )/

/** `accepted`: the client said yes to what it was asked. */
export const verdictOf = ({ asked, item, marked, told }: Outcome, accepted: boolean): Verdict => {
  if (marked && !(asked > 0 && accepted)) return "free"
  if (asked > 0) return "asked"
  const ran = item !== undefined && item.exitCode !== null && item.exitCode >= 0
  return ran || ended.test(told ?? "") ? "confined" : "refused"
}
