/**
 * Repeated measurements of one value, with alternating contestants.
 *
 * The performance of a machine changes over time. So every round runs each contestant once, and the result is the median of
 * the rounds.
 */

/** The result of several measurements. */
export interface Sample {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Half of the measurements are within this fraction of the median. 0.1 is ten percent. */
  readonly spread: number
  readonly count: number
}

const quantile = (sorted: ReadonlyArray<number>, part: number): number => {
  const place = (sorted.length - 1) * part
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

export const summarize = (values: ReadonlyArray<number>): Sample => {
  const sorted = values.toSorted((a, b) => a - b)
  const median = quantile(sorted, 0.5)
  return {
    median,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / median,
    count: sorted.length
  }
}

/** One measurement: one number, or several of equal weight. */
export type Contestant = () => Promise<number | ReadonlyArray<number>>

/** Runs every contestant once per round; each round begins with the next contestant. */
export const takeTurns = async (
  rounds: number,
  contestants: ReadonlyMap<string, Contestant>
): Promise<ReadonlyMap<string, Sample>> => {
  const names = [...contestants.keys()]
  const values = new Map(names.map((name): [string, Array<number>] => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < names.length; place++) {
      const name = names[(round + place) % names.length] ?? ""
      const measured = await contestants.get(name)?.()
      if (measured !== undefined) values.get(name)?.push(...(typeof measured === "number" ? [measured] : measured))
    }
  }
  return new Map([...values].map(([name, measured]) => [name, summarize(measured)]))
}
