/**
 * The limits of one evaluation: steps, depth, and the size of created values.
 *
 * @module
 */
import { limitAt, type Position } from "./StarlarkError.ts"

/** Maximum number of expressions, statements and iterations. */
const MaxSteps = 200_000
/** Maximum depth of calls and nested values. */
const MaxDepth = 64
/** Maximum total of created characters and list members. */
const MaxSize = 4 * 1024 * 1024

export class Budget {
  #steps = 0
  #depth = 0
  #size = 0

  step(position: Position): void {
    if (++this.#steps > MaxSteps) throw limitAt(position, `more than ${MaxSteps} steps`)
  }

  /** Counts the size of a value before it is created. */
  spend(size: number, position: Position): void {
    this.#size += size
    if (!(this.#size <= MaxSize)) throw limitAt(position, `more than ${MaxSize} characters and list members`)
  }

  text(text: string, position: Position): string {
    this.spend(text.length, position)
    return text
  }

  nested<A>(position: Position, run: () => A): A {
    if (++this.#depth > MaxDepth) throw limitAt(position, `nested deeper than ${MaxDepth} levels`)
    const result = run()
    this.#depth--
    return result
  }
}
