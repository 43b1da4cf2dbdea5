/**
 * The commands of one thread that the model can still name.
 *
 * A finished command stays until the model has seen its end. There are never more than `Capacity`. When there is no room
 * for another one, in this order:
 *
 * - a finished command that no call waits for is forgotten;
 * - a command that an earlier turn left in the background is ended, the one that was looked at longest ago;
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
import type { Marked } from "./Watchdog.ts"

/** Commands per thread, running or unseen. */
export const Capacity = 64

/** How long a call waits for room. Only commands that the same turn left in the background can hold it up for so long. */
export const RoomTimeout = "5 minutes"

/** There was no room for the command within `RoomTimeout`. */
export class NoRoom extends Schema.TaggedError<NoRoom>()("NoRoom", {}) {
  override get message(): string {
    return `Failed to create unified exec process: ${Capacity} commands of this thread are running. End one of them, or wait for its end, with write_stdin`
  }
}

/** A call that waits for room. */
interface Waiter {
  readonly turnId: string
  readonly admitted: Deferred.Deferred<void>
}

/** What is needed to start one. `announced`: its item is already shown. */
export interface Launch {
  readonly command: SandboxedCommand
  readonly shown: CommandSummary
  readonly turn: ToolTurn
  readonly announced: boolean
}

export class CommandSessions {
  readonly #byId = new Map<number, CommandSession>()
  /** Admitted, and not in `byId` yet. */
  #starting = 0
  readonly #queue = new Set<Waiter>()
  readonly #scope: Scope.Scope
  readonly #marked: Marked
  #uses = 0

  /** Commands run until `scope` is closed; close it in parallel, each waits for its process to be gone. */
  constructor(scope: Scope.Scope, marked: Marked) {
    this.#scope = scope
    this.#marked = marked
  }

  /** Starts a command when there is room. It runs on, whatever becomes of the caller. */
  start(launch: Launch): Effect.Effect<CommandSession, Process.SpawnError | NoRoom> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.andThen(restore(this.#room(launch.turn.turnId)), Effect.ensuring(this.#launch(launch), this.#launched))
    )
  }

  /** The model's session of this id, which counts as a use; undefined when there is none any more. */
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

  /** The model has seen the end of it. */
  forget(session: CommandSession): Effect.Effect<void> {
    return Effect.suspend(() => {
      // It may have been forgotten before, and another command may have got its id since.
      if (this.#byId.get(session.id) === session) this.#byId.delete(session.id)
      return this.#admit
    })
  }

  /** A call waits for the session: until then it is neither forgotten nor ended for another one. */
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

  #launch(launch: Launch): Effect.Effect<CommandSession, Process.SpawnError> {
    return Effect.gen({ self: this }, function* () {
      const scope = yield* Scope.fork(this.#scope)
      const startedAtMs = yield* Clock.currentTimeMillis
      const process = yield* Process.spawn(launch.command, this.#marked).pipe(
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

  /** Returns when a place is reserved; interrupting it gives the place back. */
  #room(turnId: string): Effect.Effect<void, NoRoom> {
    return Effect.suspend(() => {
      const waiter: Waiter = { turnId, admitted: Deferred.makeUnsafe<void>() }
      this.#queue.add(waiter)
      // Whoever leaves after it was admitted, by interruption or in the moment of the timeout, has the place to give back.
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

  /** The reserved place is taken, or given back. */
  readonly #launched: Effect.Effect<void> = Effect.suspend(() => {
    this.#starting--
    return this.#admit
  })

  /** Lets calls in, the longest waiting first, as long as there is room or some can be made. */
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

  /** Undefined where there is no room; else the command that has to be ended for it. */
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
