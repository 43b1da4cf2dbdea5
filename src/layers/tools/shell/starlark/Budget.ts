/**
 * What one evaluation may use: steps, depth, and the size of what it makes.
 *
 * @module
 */
import { limitAt, type Position } from "./StarlarkError.ts"

/** Expressions, statements and iterations. */
const MaxSteps = 200_000
/** Calls and nested values. */
const MaxDepth = 64
/** Characters and list members made, all together. */
const MaxSize = 4 * 1024 * 1024

export class Budget {
  #steps = 0
  #depth = 0
  #size = 0

  step(position: Position): void {
    if (++this.#steps > MaxSteps) throw limitAt(position, `more than ${MaxSteps} steps`)
  }

  /** Counts what is about to be made. Called before it is made. */
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
