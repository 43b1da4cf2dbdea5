/**
 * The commands of one thread that the model can still refer to.
 *
 * A finished command stays until the model has seen its end. There are never more than `Capacity`. Room for a new command is
 * made in this order:
 *
 * - a finished command that no call waits for is removed;
 * - the least recently used background command of an earlier turn is ended;
 * - the call waits, in the order of the calls, until one of these is possible.
 *
 * So a command that a call waits for, or that was started by the same turn, is never ended for another one.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { SandboxedCommand } from "../../../services/sandbox/Sandbox.ts"
import type { ToolTurn } from "../../../services/tool/Tool.ts"
import * as Process from "./Process.ts"
import { CommandSession, type CommandSummary } from "./CommandSession.ts"
import type { TerminalUnavailable } from "./Terminal.ts"
import type { Marked } from "./Watchdog.ts"

/** Maximum number of commands per thread, running or unseen. */
export const Capacity = 64

/** How long a call waits for room. Only background commands of the same turn can block it for so long. */
export const RoomTimeout = "5 minutes"

/** There was no room for the command within `RoomTimeout`. */
export class NoRoom extends Schema.TaggedError<NoRoom>()("NoRoom", {}) {
  override get message(): string {
    return `Failed to create unified exec process: ${Capacity} commands of this thread are running. End one of them, or wait for its end, with write_stdin`
  }
}

/** Why a command is not started. */
export type StartError = Process.SpawnError | TerminalUnavailable | NoRoom

/** A call that waits for room. */
interface Waiter {
  readonly turnId: string
  readonly admitted: Deferred.Deferred<void>
}

/** A new command. `announced`: its item was already published. */
export interface Launch {
  readonly command: SandboxedCommand
  readonly shown: CommandSummary
  readonly turn: ToolTurn
  readonly announced: boolean
  readonly stdio: Process.Stdio
}

export class CommandSessions {
  readonly #byId = new Map<number, CommandSession>()
  /** Reserved places that are not in `byId` yet. */
  #starting = 0
  readonly #queue = new Set<Waiter>()
  readonly #scope: Scope.Scope
  readonly #marked: Marked
  #uses = 0

  /** Commands run until `scope` closes. Close it in parallel, because each waits for its process to exit. */
  constructor(scope: Scope.Scope, marked: Marked) {
    this.#scope = scope
    this.#marked = marked
  }

  /** Starts a command when there is room. It continues even if the caller is interrupted. */
  start(launch: Launch): Effect.Effect<CommandSession, StartError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.andThen(restore(this.#room(launch.turn.turnId)), Effect.ensuring(this.#launch(launch), this.#launched))
    )
  }

  /** Returns the model's session with this id and counts as a use; undefined when it no longer exists. */
  find(id: number): CommandSession | undefined {
    const session = this.#byId.get(id)
    if (session === undefined || session.shown.isUsers === true) return undefined
    this.#touch(session)
    return session
  }

  /** The sessions of the model whose commands run, oldest first. */
  get running(): ReadonlyArray<CommandSession> {
    return Array.from(this.#byId.values()).filter((session) => !session.hasExited && session.shown.isUsers !== true)
  }

  /** Removes a session whose end the model has seen. */
  forget(session: CommandSession): Effect.Effect<void> {
    return Effect.suspend(() => {
      // It may already be removed, and its id may belong to another command.
      if (this.#byId.get(session.id) === session) this.#byId.delete(session.id)
      return this.#admit
    })
  }

  /** Keeps the session while a call waits for it: it is neither removed nor ended to make room. */
  awaiting<A>(session: CommandSession, wait: Effect.Effect<A>): Effect.Effect<A> {
    return Effect.acquireUseRelease(
      Effect.sync(() => void session.awaitedBy++),
      () => wait,
      () =>
        Effect.suspend(() => {
          session.awaitedBy--
          return this.#admit
        })
    )
  }

  #launch(launch: Launch): Effect.Effect<CommandSession, Exclude<StartError, NoRoom>> {
    return Effect.gen({ self: this }, function* () {
      const scope = yield* Scope.fork(this.#scope)
      const startedAtMs = yield* Clock.currentTimeMillis
      const process = yield* Process.spawn(launch.command, this.#marked, launch.stdio).pipe(
        Scope.provide(scope),
        Effect.onError(() => Scope.close(scope, Exit.void))
      )
      const id = yield* this.#freeId
      const session = new CommandSession({ ...launch, id, process, startedAtMs })
      this.#byId.set(id, session)
      this.#touch(session)
      const course = Effect.ensuring(Effect.andThen(session.follow, this.#admit), Scope.close(scope, Exit.void))
      yield* Effect.forkIn(course, this.#scope)
      return session
    })
  }

  #touch(session: CommandSession): void {
    session.lastUse = ++this.#uses
  }

  /** Returns when a place is reserved. Interruption releases the place. */
  #room(turnId: string): Effect.Effect<void, NoRoom> {
    return Effect.suspend(() => {
      const waiter: Waiter = { turnId, admitted: Deferred.makeUnsafe<void>() }
      this.#queue.add(waiter)
      // A call that is interrupted or times out after its admission must release the place.
      const leave = Effect.suspend(() => (this.#queue.delete(waiter) ? Effect.void : this.#launched))
      const admitted = Effect.suspend(() =>
        Deferred.isDoneUnsafe(waiter.admitted)
          ? Effect.void
          : Effect.timeoutOrElse(Deferred.await(waiter.admitted), {
              duration: RoomTimeout,
              orElse: () => new NoRoom()
            })
      )
      return Effect.onError(Effect.andThen(this.#admit, admitted), () => leave)
    })
  }

  /** Uses or releases a reserved place. */
  readonly #launched: Effect.Effect<void> = Effect.suspend(() => {
    this.#starting--
    return this.#admit
  })

  /** Admits waiting calls in order, while there is room or room can be made. */
  readonly #admit: Effect.Effect<void> = Effect.suspend(() => {
    for (const waiter of this.#queue) {
      const ended = this.#makeRoom(waiter.turnId)
      if (ended === undefined) return Effect.void
      this.#queue.delete(waiter)
      this.#starting++
      Deferred.doneUnsafe(waiter.admitted, Effect.void)
      if (ended !== "nothing") return Effect.andThen(ended.terminate, this.#admit)
    }
    return Effect.void
  })

  /** Undefined when there is no room, else the command to end for it. */
  #makeRoom(turnId: string): CommandSession | "nothing" | undefined {
    if (this.#byId.size + this.#starting < Capacity) return "nothing"
    const idle = Array.from(this.#byId.values())
      .filter((session) => session.awaitedBy === 0)
      .sort((a, b) => a.lastUse - b.lastUse)
    const victim = idle.find((session) => session.hasExited) ?? idle.find((session) => session.turn.turnId !== turnId)
    if (victim === undefined) return undefined
    this.#byId.delete(victim.id)
    if (victim.hasExited) return "nothing"
    victim.note(`[ended to make room: ${Capacity} commands of this thread were running]`)
    return victim
  }

  readonly #freeId: Effect.Effect<number> = Effect.suspend(() =>
    Effect.flatMap(Random.nextIntBetween(1000, 100_000), (id) =>
      this.#byId.has(id) ? this.#freeId : Effect.succeed(id)
    )
  )
}
