/**
 * The threads that a client is subscribed to, and its position in each: the state needed to resume after a reconnect.
 *
 * A client is subscribed to threads that it started, resumed or forked, until it unsubscribes or the thread ends. If the
 * server numbers notifications (`ThreadLog`), a position is kept. Otherwise the thread is only resumed, and the client has
 * to read what it missed.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import type { Extensions, Success } from "../../protocol/jsonrpc/Envelope.ts"
import { Extension, type Position } from "../../protocol/extensions/Sequence.ts"
import type { ReceivedNotification } from "./IncomingMessage.ts"

/** These requests subscribe the client to the result's thread. */
const joins: ReadonlySet<string> = new Set(["thread/start", "thread/resume", "thread/fork"])

/** These requests end the subscription to the thread in the parameters. */
const leaves: ReadonlySet<string> = new Set(["thread/unsubscribe", "thread/archive", "thread/delete"])

/** Sent when a thread is removed from the server's memory. */
const endings: ReadonlySet<string> = new Set(["thread/closed", "thread/archived", "thread/deleted"])

const textIn = (value: unknown, name: string): string | undefined =>
  Predicate.hasProperty(value, name) && typeof value[name] === "string" ? value[name] : undefined

/** The thread of a notification. */
export const threadOf = (params: unknown): string | undefined =>
  textIn(params, "threadId") ?? (Predicate.hasProperty(params, "thread") ? textIn(params.thread, "id") : undefined)

const positionIn = (extensions: Extensions | undefined): (Position & { readonly resync: boolean }) | undefined => {
  const member = extensions?.[Extension]
  const epoch = textIn(member, "epoch")
  if (epoch === undefined || !Predicate.hasProperty(member, "seq") || typeof member.seq !== "number") return undefined
  return { epoch, seq: member.seq, resync: Predicate.hasProperty(member, "resync") && member.resync === true }
}

export class ThreadSubscriptions {
  /** With the last received position; undefined when the server does not number. */
  readonly #threads = new Map<string, Position | undefined>()
  /** Threads of a lost connection that are not resumed yet. */
  readonly #unresumed = new Set<string>()

  get threads(): ReadonlyArray<string> {
    return Array.from(this.#threads.keys())
  }

  #follow(threadId: string, position: Position | undefined): void {
    this.#threads.set(threadId, position && { epoch: position.epoch, seq: position.seq })
    this.#unresumed.delete(threadId)
  }

  forget(threadId: string): void {
    this.#threads.delete(threadId)
    this.#unresumed.delete(threadId)
  }

  /** The connection was lost: positions do not change until each thread is resumed. */
  lost(): void {
    for (const threadId of this.#threads.keys()) this.#unresumed.add(threadId)
  }

  /** The extension member of a resume request that asks for the missed notifications. */
  resumeAfter(threadId: string): { readonly extensions?: Extensions } {
    const position = this.#threads.get(threadId)
    return position === undefined ? {} : { extensions: { [Extension]: { after: position } } }
  }

  /** Processes the response to a request of the caller. */
  answered(method: string, params: unknown, { result, extensions }: Success): void {
    if (joins.has(method) && Predicate.hasProperty(result, "thread")) {
      const threadId = textIn(result.thread, "id")
      const position = positionIn(extensions)
      if (threadId !== undefined) this.#follow(threadId, position)
    } else if (leaves.has(method)) {
      const threadId = textIn(params, "threadId")
      if (threadId !== undefined) this.forget(threadId)
    }
  }

  /**
   * Processes the response to a resume after a reconnect. True when all missed notifications follow: then the position stays
   * and advances with them.
   */
  resumed(threadId: string, { extensions }: Success): boolean {
    this.#unresumed.delete(threadId)
    const position = positionIn(extensions)
    const before = this.#threads.get(threadId)
    if (position !== undefined && before !== undefined && !position.resync) {
      // After a restart the same numbers continue in another epoch.
      this.#threads.set(threadId, { epoch: position.epoch, seq: before.seq })
      return true
    }
    this.#follow(threadId, position)
    return false
  }

  /** False for a duplicate, and for a notification that the server sends again when its thread is resumed. */
  receive({ method, params, seq }: ReceivedNotification): boolean {
    const threadId = threadOf(params)
    if (threadId === undefined || !this.#threads.has(threadId)) return true
    const position = this.#threads.get(threadId)
    const isNumbered = position !== undefined && typeof seq === "number"
    // Broadcasts arrive before the response to the resume. Counting them as received would skip the missed notifications.
    if (isNumbered && this.#unresumed.has(threadId)) return false
    if (isNumbered && seq <= position.seq) return false
    if (endings.has(method)) this.forget(threadId)
    else if (isNumbered) this.#threads.set(threadId, { epoch: position.epoch, seq })
    return true
  }
}
