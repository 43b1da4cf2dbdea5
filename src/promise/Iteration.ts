/**
 * Streams as async iterables.
 *
 * An iteration begins with its first `next`, and one event is requested at a time. It is closed when it ends, fails, is left
 * (`break`, `return`) or aborted; what the stream has opened is closed then.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { valueOf } from "./Errors.ts"

/** Runs effects of an iteration. */
export type Run = <A, E>(
  effect: Effect.Effect<A, E>,
  options?: { readonly signal?: AbortSignal }
) => Promise<Exit.Exit<A, E>>

type Elements<A, E> = Pull.Pull<readonly [A, ...ReadonlyArray<A>], E>

class Iteration<A, E> implements AsyncIterableIterator<A, undefined, undefined> {
  readonly #run: Run
  readonly #stream: Stream.Stream<A, E>
  readonly #signal: AbortSignal | undefined
  /** Aborted when the iteration is left while it waits for an event. */
  readonly #left = new AbortController()
  readonly #scope = Scope.makeUnsafe()
  #pull: Elements<A, E> | undefined
  #buffer: Array<A> = []
  #isOver = false
  /** Calls are answered in their order. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(run: Run, stream: Stream.Stream<A, E>, signal: AbortSignal | undefined) {
    this.#run = run
    this.#stream = stream
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<A, undefined>> {
    const result = this.#last.then(() => this.#next())
    this.#last = result.catch(() => {})
    return result
  }

  async #next(): Promise<IteratorResult<A, undefined>> {
    if (this.#signal?.aborted === true && !this.#isOver) {
      await this.#close(Exit.void)
      throw this.#signal.reason
    }
    const ready = this.#buffer.shift()
    if (ready !== undefined) return { done: false, value: ready }
    if (this.#isOver) return { done: true, value: undefined }
    const signal = this.#signal === undefined ? this.#left.signal : AbortSignal.any([this.#signal, this.#left.signal])
    const exit = await this.#run(this.#take, { signal })
    if (Exit.isSuccess(exit)) {
      const [first, ...rest] = exit.value
      this.#buffer = rest
      return { done: false, value: first }
    }
    await this.#close(exit)
    if (this.#left.signal.aborted || Pull.isDoneCause(exit.cause)) return { done: true, value: undefined }
    return valueOf<never>(Exit.failCause(exit.cause), this.#signal)
  }

  get #take(): Elements<A, E> {
    return Effect.suspend(() => {
      if (this.#pull !== undefined) return this.#pull
      return Effect.flatMap(Scope.provide(Stream.toPull(this.#stream), this.#scope), (pull) => {
        this.#pull = pull
        return pull
      })
    })
  }

  async #close(exit: Exit.Exit<unknown, unknown>): Promise<void> {
    this.#isOver = true
    this.#buffer = []
    await this.#run(Scope.close(this.#scope, exit))
  }

  async return(): Promise<IteratorResult<A, undefined>> {
    this.#left.abort()
    await this.#last
    if (!this.#isOver) await this.#close(Exit.void)
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}

/** Each iteration runs the stream again. */
export const iterable = <A, E>(
  run: Run,
  stream: Stream.Stream<A, E>,
  signal: AbortSignal | undefined
): AsyncIterable<A, undefined, undefined> => ({
  [Symbol.asyncIterator]: () => new Iteration(run, stream, signal)
})
