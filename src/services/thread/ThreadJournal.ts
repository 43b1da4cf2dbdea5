/**
 * Changes a thread. `commit` is the only way to do so.
 *
 * Owns the thread's state, its store, and the order of its events. A commit gives its events their numbers, stores them,
 * folds them into the state and publishes its notifications, in this order. Commits of one thread are serialized. Folding
 * and publishing are one step: a client that subscribes finds an event in the state or receives its notification, never both
 * and never neither.
 *
 * When the store fails there is one policy, whichever event it was:
 *
 * ```
 *  healthy ──append fails──► degraded ──append succeeds──► healthy
 * ```
 *
 * The events are still kept in memory, folded and published, so that clients and server agree on what happened. Clients are
 * warned once. The running turn ends as failed, and no turn begins until `recover` has stored the kept events. After a store
 * has timed out, only `recover` calls it again.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { NotificationParams, ServerNotificationMethod } from "../../protocol/Methods.ts"
import type { OutboundRouter } from "../routing/OutboundRouter.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { fold, type ThreadState } from "./ThreadState.ts"
import type { ThreadStore, ThreadStoreError } from "./ThreadStore.ts"

/** A notification with its method's parameters. */
export type Notification = {
  readonly [M in ServerNotificationMethod]: { readonly method: M; readonly params: NotificationParams<M> }
}[ServerNotificationMethod]

/** What a change does. */
export interface Decision<A> {
  readonly events: ReadonlyArray<ThreadEvent>
  /** Published after the events are stored. */
  readonly notifications?: ReadonlyArray<Notification>
  readonly value: A
}

/** A change that was made. */
export interface Changed<A> {
  readonly value: A
  /** The state after the change. */
  readonly state: ThreadState
  /** Publishes the change. Its place in the order of events is fixed when it begins. */
  readonly publish: Effect.Effect<void>
}

export interface JournalOptions {
  readonly state: ThreadState
  /** A store that ends every operation in time: see `BoundedStore`. */
  readonly store: ThreadStore["Service"]
  readonly router: OutboundRouter["Service"]
  /** Runs synchronously when the journal becomes degraded. */
  readonly onDegraded: (error: ThreadStoreError) => void
}

const nothing: ReadonlyArray<never> = []

/** False where what is published goes at nobody's pace, such as the end of a turn. */
export const AwaitsClients = Context.Reference<boolean>("spindle/AwaitsClients", { defaultValue: () => true })

/**
 * Waits for slow clients. An interrupted fiber does not wait, also where it cannot be interrupted otherwise: what it publishes
 * has its place already, and whoever interrupts it may be the client that is waited for.
 */
export const awaitClients = (wait: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.flatMap(AwaitsClients, (waits) =>
    waits ? Effect.asVoid(Effect.exit(Effect.interruptible(wait))) : Effect.void
  )

export class ThreadJournal {
  readonly #options: JournalOptions
  readonly #writing = Semaphore.makeUnsafe(1)
  #state: ThreadState
  /** Events that are folded and published but not stored. */
  #unsaved: Array<ThreadEvent> = []
  /** Why the last append failed; undefined while the journal is healthy. */
  #failure: ThreadStoreError | undefined
  #warned = false
  #isClosed = false

  constructor(options: JournalOptions) {
    this.#options = options
    this.#state = options.state
  }

  get state(): ThreadState {
    return this.#state
  }

  /**
   * Stores and folds `events` and publishes `notifications`. It never fails: see the policy above. When the effect starts to
   * wait for slow clients, the events are in the state and the places of the notifications are fixed. Only that wait can be
   * interrupted, and it always can be.
   */
  commit(
    events: ReadonlyArray<ThreadEvent>,
    notifications: ReadonlyArray<Notification> = nothing
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (events.length === 0) return this.#publish(notifications)
      const committed = Effect.map(this.#store(events), (failed) => {
        if (this.#isClosed) return Effect.void
        this.#state = fold(this.#state, events)
        const published = this.#publish(notifications)
        return failed === undefined ? published : Effect.andThen(published, this.#warn(failed))
      })
      return Effect.flatten(Effect.uninterruptible(this.#writing.withPermit(committed)))
    })
  }

  /**
   * Decides on a change from the state that it will change, and commits its events. What it publishes is returned: a handler
   * publishes it right after its answer. If the caller is interrupted in between, it is published anyway.
   */
  change<A, E>(decide: (state: ThreadState) => Effect.Effect<Decision<A>, E>): Effect.Effect<Changed<A>, E> {
    let changed: Changed<A> | undefined
    const committed = Effect.gen({ self: this }, function* () {
      const { events, notifications = nothing, value } = yield* decide(this.#state)
      const failed = events.length === 0 ? undefined : yield* this.#store(events)
      if (!this.#isClosed) this.#state = fold(this.#state, events)
      const published = Effect.suspend(() => this.#publish(notifications))
      const publish = failed === undefined ? published : Effect.andThen(published, this.#warn(failed))
      return (changed = { value, state: this.#state, publish })
    })
    return Effect.onInterrupt(Effect.uninterruptible(this.#writing.withPermit(committed)), () =>
      Effect.suspend(() => changed?.publish ?? Effect.void)
    )
  }

  /** Stops all storing, folding and publishing. Used for an abandoned thread, whose remaining work must have no effect. */
  closeNow(): void {
    this.#isClosed = true
  }

  /** Stores the events of a failed append. Fails while the store fails. */
  readonly recover: Effect.Effect<void, ThreadStoreError> = Effect.suspend(() => {
    if (this.#failure === undefined) return Effect.void
    const stored = Effect.flatMap(this.#store(nothing), (failed) =>
      failed === undefined ? Effect.void : Effect.fail(failed)
    )
    return Effect.uninterruptible(this.#writing.withPermit(stored))
  })

  /** Tries once more to store the events of a failed append, unless the store has timed out. */
  readonly flush: Effect.Effect<void> = Effect.suspend(() =>
    this.#failure?.reason === "timeout" ? Effect.void : Effect.ignore(this.recover)
  ).pipe(
    Effect.andThen(
      Effect.suspend(() => {
        const { length } = this.#unsaved
        if (length === 0) return Effect.void
        return Effect.logError(`the last ${length} event(s) of thread ${this.#state.origin.id} could not be stored`)
      })
    )
  )

  /** Appends the events after those not stored yet. Returns the failure; only the first one is announced. */
  #store(events: ReadonlyArray<ThreadEvent>): Effect.Effect<ThreadStoreError | undefined> {
    // Read the state only while holding the permit, because another append may have changed it.
    return Effect.suspend(() => {
      const { origin } = this.#state
      if (origin.ephemeral || this.#isClosed) return Effect.undefined
      const all = this.#unsaved.length === 0 ? events : [...this.#unsaved, ...events]
      // After a timeout each append would time out again, so only `recover` appends.
      if (this.#failure?.reason === "timeout" && events.length > 0) {
        this.#unsaved = [...all]
        return Effect.undefined
      }
      const expectedSeq = this.#state.nextSeq - this.#unsaved.length
      const append = this.#options.store.append(origin.id, expectedSeq, all)
      return Effect.match(append, {
        onFailure: (failure) => this.#appended(all, failure),
        onSuccess: () => this.#appended(all, undefined)
      })
    })
  }

  /** Keeps the events of a failed append. Returns the failure. */
  #appended(events: ReadonlyArray<ThreadEvent>, failure: ThreadStoreError | undefined): ThreadStoreError | undefined {
    this.#unsaved = failure === undefined ? [] : [...events]
    this.#failure = failure
    if (failure === undefined) this.#warned = false
    else this.#options.onDegraded(failure)
    return failure
  }

  /** Publishes synchronously. The result waits for slow clients. */
  #publish(notifications: ReadonlyArray<Notification>): Effect.Effect<void> {
    if (this.#isClosed) return Effect.void
    const { router } = this.#options
    const { id } = this.#state.origin
    let waits: Array<Effect.Effect<void>> | undefined
    for (const { method, params } of notifications) {
      const wait = router.publishNow(method, params, id)
      if (wait !== undefined) (waits ??= []).push(wait)
    }
    return waits === undefined ? Effect.void : awaitClients(Effect.all(waits, { discard: true }))
  }

  /** Announces a failure, once until the store recovers. */
  #warn(failure: ThreadStoreError): Effect.Effect<void> {
    if (this.#warned) return Effect.void
    this.#warned = true
    const { id } = this.#state.origin
    return this.#publish([{ method: "warning", params: { threadId: id, message: warningOf(failure) } }])
  }
}

const warningOf = (failure: ThreadStoreError): string =>
  failure.reason === "conflict"
    ? `${failure.message}. What happened since is kept in memory only. Resume the thread after it is unloaded.`
    : `${failure.message}. What happened since is kept in memory only. No turn starts in this thread until it can be stored.`
