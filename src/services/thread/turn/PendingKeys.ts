/**
 * The keys of accepted input that is not recorded yet. Recorded ones are facts of the thread.
 *
 * @module
 */
import type { Turn } from "../../../protocol/v2/turn/Turn.ts"
import { MaxSubmissionKeys } from "../ThreadFacts.ts"
import { type ThreadState, turnOf } from "../ThreadState.ts"
import { toTurn } from "../ThreadView.ts"
import { startingTurn } from "./TurnRunner.ts"

export class PendingKeys {
  readonly #turns = new Map<string, string>()

  /** Adds the key of input for a turn. The oldest key is dropped when there are too many. */
  add(key: string | undefined, turnId: string): void {
    if (key === undefined) return
    this.#turns.set(key, turnId)
    const [oldest] = this.#turns.keys()
    if (this.#turns.size > MaxSubmissionKeys && oldest !== undefined) this.#turns.delete(oldest)
  }

  /** The turn of the input with this key; undefined for new input. */
  turnOf(state: ThreadState, key: string | undefined): Turn | undefined {
    if (key === undefined) return undefined
    const turnId = this.#turns.get(key) ?? state.submissions.findLast((one) => one.key === key)?.turnId
    if (turnId === undefined) return undefined
    const turn = turnOf(state, turnId)
    return turn === undefined ? startingTurn({ id: turnId, rootTurnId: turnId }) : toTurn(turn, "notLoaded")
  }
}
