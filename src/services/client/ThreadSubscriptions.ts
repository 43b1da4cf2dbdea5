/**
 * The threads a client follows, and how far it has heard each: what it needs to go on after its connection was lost.
 *
 * A client follows what it started, resumed or forked, until it unsubscribes or the thread is gone. With a server that
 * numbers notifications (`ThreadLog`) a position is kept; with another one the thread is followed again, and what happened
 * meanwhile has to be read.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import type { Extensions, Success } from "../../protocol/jsonrpc/Envelope.ts"
import { Extension, type Position } from "../../protocol/extensions/Sequence.ts"
import type { ReceivedNotification } from "./IncomingMessage.ts"

/** After these the client follows the thread of the result. */
const joins: ReadonlySet<string> = new Set(["thread/start", "thread/resume", "thread/fork"])

/** After these it does not follow that of the parameters any more. */
const leaves: ReadonlySet<string> = new Set(["thread/unsubscribe", "thread/archive", "thread/delete"])

/** Told when a thread is gone from the server's memory. */
const endings: ReadonlySet<string> = new Set(["thread/closed", "thread/archived", "thread/deleted"])

const textIn = (value: unknown, name: string): string | undefined =>
  Predicate.hasProperty(value, name) && typeof value[name] === "string" ? value[name] : undefined

/** The thread that a notification is about. */
const threadOf = (params: unknown): string | undefined =>
  textIn(params, "threadId") ?? (Predicate.hasProperty(params, "thread") ? textIn(params.thread, "id") : undefined)

const positionIn = (extensions: Extensions | undefined): (Position & { readonly resync: boolean }) | undefined => {
  const member = extensions?.[Extension]
  const epoch = textIn(member, "epoch")
  if (epoch === undefined || !Predicate.hasProperty(member, "seq") || typeof member.seq !== "number") return undefined
  return { epoch, seq: member.seq, resync: Predicate.hasProperty(member, "resync") && member.resync === true }
}

export class ThreadSubscriptions {
  /** With the last position heard; undefined where the server does not number. */
  readonly #threads = new Map<string, Position | undefined>()
  /** Those of a lost connection that are not resumed yet. */
  readonly #away = new Set<string>()

  get threads(): ReadonlyArray<string> {
    return Array.from(this.#threads.keys())
  }

  #follow(threadId: string, position: Position | undefined): void {
    this.#threads.set(threadId, position && { epoch: position.epoch, seq: position.seq })
    this.#away.delete(threadId)
  }

  forget(threadId: string): void {
    this.#threads.delete(threadId)
    this.#away.delete(threadId)
  }

  /** The connection is gone: positions stand still until each thread is resumed. */
  lost(): void {
    for (const threadId of this.#threads.keys()) this.#away.add(threadId)
  }

  /** What goes beside the parameters of a resume that is to tell what was missed. */
  resumeAfter(threadId: string): { readonly extensions?: Extensions } {
    const position = this.#threads.get(threadId)
    return position === undefined ? {} : { extensions: { [Extension]: { after: position } } }
  }

  /** A request of the caller's was answered. */
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
   * The thread is followed again after a loss. True when all that was missed comes next: then the position stays where it
   * is, and moves with what is told again.
   */
  resumed(threadId: string, { extensions }: Success): boolean {
    this.#away.delete(threadId)
    const position = positionIn(extensions)
    const before = this.#threads.get(threadId)
    if (position !== undefined && before !== undefined && !position.resync) return true
    this.#follow(threadId, position)
    return false
  }

  /** False for a notification that was heard before, or that will be told again when its thread is resumed. */
  heard({ method, params, seq }: ReceivedNotification): boolean {
    const threadId = threadOf(params)
    if (threadId === undefined || !this.#threads.has(threadId)) return true
    const position = this.#threads.get(threadId)
    const isNumbered = position !== undefined && typeof seq === "number"
    // What is told to everybody comes before the resume is answered. Taken for heard, it would hide what was missed.
    if (isNumbered && this.#away.has(threadId)) return false
    if (isNumbered && seq <= position.seq) return false
    if (endings.has(method)) this.forget(threadId)
    else if (isNumbered) this.#threads.set(threadId, { epoch: position.epoch, seq })
    return true
  }
}
