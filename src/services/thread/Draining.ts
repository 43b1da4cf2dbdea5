/**
 * The last part of a server's life: turns that run may end, and no other starts.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

export class Draining {
  readonly #running: () => number
  #isOn = false
  #activity: Deferred.Deferred<void> = Deferred.makeUnsafe()

  /** `running` counts the turns that run. */
  constructor(running: () => number) {
    this.#running = running
  }

  get isOn(): boolean {
    return this.#isOn
  }

  /** To be called when a turn may have ended. */
  touch(): void {
    if (!this.#isOn) return
    const activity = this.#activity
    this.#activity = Deferred.makeUnsafe()
    Deferred.doneUnsafe(activity, Exit.void)
  }

  /** Begins; ends when no turn runs. Tells how many are waited for, whenever that number is another one. */
  readonly run: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    this.#isOn = true
    let told = 0
    while (true) {
      const activity = Deferred.await(this.#activity)
      const running = this.#running()
      if (running === 0) return
      if (running !== told) yield* Effect.logInfo(`draining: waiting for ${running} running turn(s) to end`)
      told = running
      yield* activity
    }
  })
}
