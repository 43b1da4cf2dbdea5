/**
 * Finds a run of lines in a file. Pure.
 *
 * Lines match exactly, else without blanks at their ends, else without blanks around them, else with typographic characters
 * read as ASCII. The first of these that matches anywhere wins; within it, the first place.
 *
 * @module
 */

/** The steps from exact to lenient, in order. */
const forms: ReadonlyArray<(line: string) => string> = [
  (line) => line,
  (line) => line.trimEnd(),
  (line) => line.trim(),
  (line) =>
    line
      .trim()
      .replace(/[\u2010-\u2015\u2212]/g, "-")
      .replace(/[\u2018-\u201B]/g, "'")
      .replace(/[\u201C-\u201F]/g, '"')
      .replace(/[\u00A0\u2002-\u200A\u202F\u205F\u3000]/g, " ")
]

/** The lines in one form, and where each occurs. */
interface Indexed {
  readonly lines: ReadonlyArray<string>
  /** The positions of a line, ascending. */
  readonly at: ReadonlyMap<string, ReadonlyArray<number>>
}

/** Maximum number of comparisons for one file. A patch that needs more is refused, so that none can block the server. */
export const MaxComparisons = 5_000_000

/** The search took more than `MaxComparisons`. */
export class TooMuchWork extends Error {}

/** The first index in `positions` whose value is at least `least`. */
const lowerBound = (positions: ReadonlyArray<number>, least: number): number => {
  let low = 0
  let high = positions.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((positions[middle] ?? 0) < least) low = middle + 1
    else high = middle
  }
  return low
}

/** The lines of one file. */
export class Lines {
  readonly #lines: ReadonlyArray<string>
  readonly #forms: Array<Indexed | undefined> = []
  #comparisons = 0

  constructor(lines: ReadonlyArray<string>) {
    this.#lines = lines
  }

  /**
   * The first place of `wanted` from line `start` on, or undefined. With `atEnd`, it must be the last lines. An empty run is
   * at `start`. Throws `TooMuchWork`.
   */
  find(wanted: ReadonlyArray<string>, start: number, atEnd: boolean): number | undefined {
    const last = this.#lines.length - wanted.length
    const from = atEnd ? Math.max(start, last) : start
    if (from > last) return undefined
    if (wanted.length === 0) return from
    for (const [step, form] of forms.entries()) {
      const found = this.#findIn(this.#form(step, form), wanted.map(form), from, last)
      if (found !== undefined) return found
    }
    return undefined
  }

  #findIn({ at, lines }: Indexed, wanted: ReadonlyArray<string>, from: number, last: number): number | undefined {
    const positions = at.get(wanted[0] ?? "") ?? []
    for (let index = lowerBound(positions, from); index < positions.length; index++) {
      const position = positions[index] ?? 0
      if (position > last) return undefined
      if (this.#matches(lines, wanted, position)) return position
    }
    return undefined
  }

  #matches(lines: ReadonlyArray<string>, wanted: ReadonlyArray<string>, position: number): boolean {
    for (let index = 0; index < wanted.length; index++) {
      if (++this.#comparisons > MaxComparisons) throw new TooMuchWork()
      if (lines[position + index] !== wanted[index]) return false
    }
    return true
  }

  #form(step: number, form: (line: string) => string): Indexed {
    return (this.#forms[step] ??= indexed(this.#lines.map(form)))
  }
}

const indexed = (lines: ReadonlyArray<string>): Indexed => {
  const at = new Map<string, Array<number>>()
  for (const [position, line] of lines.entries()) {
    const positions = at.get(line)
    if (positions === undefined) at.set(line, [position])
    else positions.push(position)
  }
  return { lines, at }
}
