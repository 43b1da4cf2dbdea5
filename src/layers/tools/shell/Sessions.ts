/**
 * The commands of one thread that the model can still name.
 *
 * A finished command stays until the model has seen its end. There are never more than `Capacity`: to make room, a
 * finished one is forgotten, else the one that was looked at longest ago is ended.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import type { SandboxedCommand } from "../../../services/Sandbox.ts"
import type { ToolTurn } from "../../../services/Tool.ts"
import * as Process from "./Process.ts"
import { Session, type Shown } from "./Session.ts"

/** Commands per thread, running or unseen. */
export const Capacity = 64

/** What is needed to start one. `announced`: its item is already shown. */
export interface Launch {
  readonly command: SandboxedCommand
  readonly shown: Shown
  readonly turn: ToolTurn
  readonly announced: boolean
}

export class Sessions {
  private readonly byId = new Map<number, Session>()
  private readonly scope: Scope.Scope
  private uses = 0

  /** Commands run until `scope` is closed; close it in parallel, each waits for its process to be gone. */
  constructor(scope: Scope.Scope) {
    this.scope = scope
  }

  /** Starts a command. It runs on, whatever becomes of the caller. */
  start(launch: Launch): Effect.Effect<Session, Process.SpawnError> {
    return Effect.uninterruptible(
      Effect.gen({ self: this }, function* () {
        const scope = yield* Scope.fork(this.scope)
        const startedAtMs = yield* Clock.currentTimeMillis
        const process = yield* Process.spawn(launch.command).pipe(
          Scope.provide(scope),
          Effect.onError(() => Scope.close(scope, Exit.void))
        )
        yield* this.makeRoom
        const id = yield* this.freeId
        const session = new Session({ ...launch, id, process, startedAtMs })
        this.byId.set(id, session)
        this.touch(session)
        yield* Effect.forkIn(Effect.ensuring(session.follow, Scope.close(scope, Exit.void)), this.scope)
        return session
      })
    )
  }

  /** The session of this id, which counts as a use; undefined when there is none any more. */
  find(id: number): Session | undefined {
    const session = this.byId.get(id)
    if (session !== undefined) this.touch(session)
    return session
  }

  /** The model has seen the end of it. */
  forget(session: Session): void {
    this.byId.delete(session.id)
  }

  private touch(session: Session): void {
    session.lastUse = ++this.uses
  }

  private readonly makeRoom: Effect.Effect<void> = Effect.suspend(() => {
    if (this.byId.size < Capacity) return Effect.void
    const byAge = [...this.byId.values()].sort((a, b) => a.lastUse - b.lastUse)
    const victim = byAge.find((session) => session.hasExited) ?? byAge[0]
    if (victim === undefined) return Effect.void
    this.forget(victim)
    return victim.terminate
  })

  private readonly freeId: Effect.Effect<number> = Effect.suspend(() =>
    Effect.flatMap(Random.nextIntBetween(1000, 100_000), (id) => (this.byId.has(id) ? this.freeId : Effect.succeed(id)))
  )
}
