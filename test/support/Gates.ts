/**
 * Handlers that a test blocks and releases, and the expected responses.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Handler } from "../../src/services/connection/Handlers.ts"
import { makeProcessor } from "./Processor.ts"

export type Interrupt = Handler<"turn/interrupt">
export type List = Handler<"thread/loaded/list">

export const List = "thread/loaded/list"
export const Interrupt = "turn/interrupt"
export const Account = "account/read"
export const Read = "thread/read"

export const page = (...data: ReadonlyArray<string>) => ({ data, nextCursor: null })

export const listing: List = () => Effect.succeed(page())

export const turn = (threadId: string, turnId = "u") => ({ threadId, turnId })

/** The response of a handler that succeeded. */
export const ok = (id: unknown, result: unknown = {}) => ({ id, result })

export const failed = (id: unknown, code: number, message: string) => ({ error: { code, message }, id })

/** Handlers that report their start and end when they are released. */
export const makeGates = () => {
  const gates = new Map<string, Deferred.Deferred<void>>()
  const starts = new Map<string, Deferred.Deferred<void>>()
  const started: Array<string> = []
  const of = (map: typeof gates, name: string) => {
    const known = map.get(name) ?? Deferred.makeUnsafe<void>()
    map.set(name, known)
    return known
  }
  return {
    /** In the order of their start. */
    started,
    pass: (name: string) =>
      Effect.suspend(() => {
        started.push(name)
        Deferred.doneUnsafe(of(starts, name), Exit.void)
        return Deferred.await(of(gates, name))
      }),
    /** Completes after the step of the processor in which the handler started. */
    hasStarted: (name: string) => Effect.andThen(Deferred.await(of(starts, name)), Effect.yieldNow),
    open: (name: string) => Deferred.succeed(of(gates, name), undefined)
  }
}

/** A processor whose turn/interrupt waits at the gate named by the turn, and whose list answers immediately. */
export const gated = Effect.gen(function* () {
  const gates = makeGates()
  const interrupt: Interrupt = ({ turnId }) => Effect.as(gates.pass(turnId), {})
  const processor = yield* makeProcessor({ [Interrupt]: interrupt, [List]: listing })
  return { ...processor, gates }
})
