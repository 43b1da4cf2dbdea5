/**
 * Distributes a client's events to its consumers.
 *
 * Owns who receives an event and who reads from the connection. Does not own the connection's queue (EventQueue,
 * TieredQueue), a consumer's queue (EventConsumer), the events that no consumer has received yet (HeldEvents) or the answers
 * (ServerRequestDesk).
 *
 * There is no fiber in between. A consumer whose queue is empty reads from the connection itself and distributes what it
 * reads; if there is nothing to read, one of the waiting consumers, the leader, waits for the connection, and the others wait
 * for what it distributes. So the fastest consumer sets the pace, and without one nothing is read: the connection holds the
 * events, and the server waits, drops or replaces them as its contract defines.
 *
 * An event that no consumer took is held for the next reader (HeldEvents). What the last reader did not read is held too,
 * so a program that reads in several runs misses nothing.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { ServerRequest } from "../../protocol/Methods.ts"
import type { ConsumerTooSlow } from "./ClientError.ts"
import type { ClientEvent } from "./ClientEvent.ts"
import * as EventConsumer from "./EventConsumer.ts"
import { HeldEvents } from "./HeldEvents.ts"

/** Where the events come from. */
export interface EventSource {
  /** The next event, if there is one. */
  readonly poll: () => ClientEvent | undefined
  /** Waits until `poll` has an event. Fails with `Done` after the last one. */
  readonly ready: Effect.Effect<void, Cause.Done>
}

/** What else happens with events, before consumers receive them. */
export interface EventObserver {
  /** Called with each event, in order. True when a handler takes it, so that no consumer receives it. */
  readonly takes: (event: ClientEvent) => boolean
  /** Called with a server request that no consumer received. True when it was answered. */
  readonly unclaimed: (request: ServerRequest) => boolean
  /** Called with a server request that was dropped because no consumer read it. */
  readonly dropped: (request: ServerRequest) => void
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export class EventHub {
  readonly #source: EventSource
  readonly #observer: EventObserver
  readonly #consumers = new Set<EventConsumer.EventConsumer>()
  /** Those that wait for another one to read. */
  readonly #waiting = new Set<EventConsumer.Waiter>()
  readonly #held: HeldEvents
  #leader: EventConsumer.Waiter | undefined
  #isOver = false

  constructor(source: EventSource, observer: EventObserver) {
    this.#source = source
    this.#observer = observer
    this.#held = new HeldEvents((event) => {
      if (event._tag === "ServerRequest") observer.dropped(event.request)
    })
  }

  /** Registers a consumer for the events from now on. A reader that is alone also gets the held ones. */
  subscribe(
    selection: EventConsumer.Selection,
    options?: EventConsumer.ConsumerOptions
  ): Effect.Effect<EventConsumer.EventConsumer, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.map(EventConsumer.make(selection, options), (consumer) => {
        if (selection.isReader && !this.#hasReader) consumer.prepend(this.#held.takeAll())
        this.#consumers.add(consumer)
        return consumer
      }),
      (consumer) => Effect.sync(() => this.#leave(consumer))
    )
  }

  get #hasReader(): boolean {
    for (const { selection, failure } of this.#consumers) {
      if (selection.isReader && failure === undefined) return true
    }
    return false
  }

  #leave(consumer: EventConsumer.EventConsumer): void {
    this.#consumers.delete(consumer)
    if (!consumer.selection.isReader || this.#hasReader || consumer.failure !== undefined) return
    this.#held.prepend(consumer.drain())
    this.#wakeAll()
  }

  /** The next event of a waiter. Fails with `Done` after the last one, and when the waiter was ended. */
  next(waiter: EventConsumer.Waiter): Effect.Effect<ClientEvent, Cause.Done | ConsumerTooSlow> {
    return Effect.uninterruptibleMask((restore) => this.#next(waiter, restore))
  }

  /** The next event that no consumer takes; none after the last one. */
  get nextUnclaimed(): Effect.Effect<Option.Option<ClientEvent>> {
    return Effect.suspend(() => {
      const waiter: EventConsumer.Waiter = {
        poll: () => this.#held.poll(),
        failure: undefined,
        signal: undefined,
        takesHeld: true
      }
      return Effect.option(this.next(waiter))
    })
  }

  /** Reads for handlers, which need no consumer. */
  get drive(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.ignore(this.next({ poll: () => undefined, failure: undefined, signal: undefined }))
    )
  }

  #next(waiter: EventConsumer.Waiter, restore: Restore): Effect.Effect<ClientEvent, Cause.Done | ConsumerTooSlow> {
    return Effect.suspend(() => {
      do {
        const event = waiter.poll()
        if (event !== undefined) return this.#leaving(Effect.succeed(event))
        if (waiter.failure !== undefined) return this.#leaving(Effect.fail(waiter.failure))
        if (this.#isOver) return Cause.done()
      } while (this.#leader === undefined && this.#advance())
      return Effect.andThen(this.#wait(waiter, restore), this.#next(waiter, restore))
    })
  }

  /** A waiter leaves with a result, and another one has to read. */
  #leaving<A, E>(result: Effect.Effect<A, E>): Effect.Effect<A, E> {
    this.#appoint()
    return result
  }

  /** Wakes a waiting consumer when none waits for the connection. It becomes the leader if there is nothing to read. */
  #appoint(): void {
    if (this.#leader !== undefined) return
    for (const waiter of this.#waiting) return this.#wake(waiter)
  }

  /** Called in an uninterruptible region, so that no consumer stays registered without waiting. */
  #wait(waiter: EventConsumer.Waiter, restore: Restore): Effect.Effect<void> {
    if (this.#leader === undefined) {
      this.#leader = waiter
      return restore(this.#source.ready).pipe(
        Effect.ensuring(Effect.sync(() => void (this.#leader = undefined))),
        Effect.catch(() => Effect.sync(() => this.#finish())),
        Effect.onInterrupt(() => Effect.sync(() => this.#appoint()))
      )
    }
    // Several fibers may read from one consumer.
    const signal = (waiter.signal ??= Deferred.makeUnsafe<void>())
    this.#waiting.add(waiter)
    return Effect.onInterrupt(restore(Deferred.await(signal)), () =>
      Effect.sync(() => {
        if (waiter.signal === signal) this.#wake(waiter)
        this.#appoint()
      })
    )
  }

  #finish(): void {
    this.#isOver = true
    this.#wakeAll()
  }

  #wake(waiter: EventConsumer.Waiter): void {
    this.#waiting.delete(waiter)
    const { signal } = waiter
    waiter.signal = undefined
    if (signal !== undefined) Deferred.doneUnsafe(signal, Exit.void)
  }

  #wakeAll(): void {
    for (const waiter of Array.from(this.#waiting)) this.#wake(waiter)
  }

  /** Reads one event and distributes it. False when there is none. */
  #advance(): boolean {
    const event = this.#source.poll()
    if (event === undefined) return false
    if (this.#observer.takes(event)) return true
    const woken: Array<EventConsumer.Waiter> = []
    let isTaken = false
    for (const consumer of this.#consumers) {
      if (!consumer.accepts(event)) continue
      consumer.offer(event)
      isTaken ||= consumer.selection.isReader || !isShared(event)
      if (consumer.signal !== undefined) woken.push(consumer)
    }
    if (!isTaken) this.#hold(event)
    // A woken fiber may run immediately and read the next event, so all have this one first.
    for (const waiter of woken) this.#wake(waiter)
    return true
  }

  #hold(event: ClientEvent): void {
    if (event._tag === "ServerRequest" && this.#observer.unclaimed(event.request)) return
    this.#held.add(event)
    for (const waiter of this.#waiting) if (waiter.takesHeld === true) return this.#wake(waiter)
  }
}

/** Whether the event is about the connection, so that taking it is not enough: a reader wants it too. */
const isShared = (event: ClientEvent): boolean => event._tag !== "ServerNotification" && event._tag !== "ServerRequest"
