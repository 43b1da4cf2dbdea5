/**
 * One running command: its item, its output, its end.
 *
 * ```
 *          150 ms              exit
 *   silent ──────► streaming ──────► draining ──► finished
 *      └──────────── exit ─────────────┘
 * ```
 *
 * Short commands publish nothing before they end: `item/started` and `item/completed` are published together, without
 * deltas. A command that outlives the window is announced, its output so far is the first delta, and each later piece of
 * output is one. A slow client delays the reading of the pipe, and with it the command.
 *
 * A command that the user runs by hand is announced at once. Everything is published with the id of the turn that started the
 * command, even after that turn.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Semaphore from "effect/Semaphore"
import type { CommandAction } from "../../../protocol/v2/item/CommandAction.ts"
import type { Item } from "../../../protocol/v2/item/Item.ts"
import type { ToolTurn } from "../../../services/tool/Tool.ts"
import { gap, OutputBuffer } from "./OutputBuffer.ts"
import type { Process, Stdio } from "./Process.ts"

type CommandItem = Item<"commandExecution">

/** How long a command may run before it is announced. */
const Window = "150 millis"

/** How long the pipe may stay open after the command has exited, and how often that is extended while output arrives. */
const Grace = "50 millis"
const MaxGraces = 20

/** Maximum number of deltas per command, and of their characters. Later output is only in the completed item. */
export const MaxDeltas = 10_000
export const MaxDeltaCharacters = 8 * 1024 * 1024

/** More calls than a session can have at a time. */
const MaxInteractions = 1_000_000

/** Size in bytes of the pieces in which early output is published. */
const PieceSize = 64 * 1024

/** The command in its item. */
export interface CommandSummary {
  readonly itemId: string
  /** Set for a command of the user: the model cannot name it, and it is announced at once. */
  readonly isUsers?: true
  readonly command: string
  /** The command line as the model or the user wrote it. */
  readonly line: string
  readonly cwd: string
  readonly actions: ReadonlyArray<CommandAction>
}

/** The item of `shown` before it runs, or while its outcome is unknown. */
export const itemOf = (shown: CommandSummary, fields: Partial<CommandItem> = {}): CommandItem => ({
  type: "commandExecution",
  id: shown.itemId,
  pluginId: null,
  scriptPath: null,
  command: shown.command,
  cwd: shown.cwd,
  processId: null,
  source: "unifiedExecStartup",
  status: "inProgress",
  commandActions: shown.actions,
  aggregatedOutput: null,
  exitCode: null,
  durationMs: null,
  ...fields
})

export class CommandSession {
  /** The id for the model, and the item's `processId`. */
  readonly id: number
  readonly shown: CommandSummary
  readonly process: Process
  readonly turn: ToolTurn
  /** Start time on the clock of the fiber that started it. */
  readonly startedAtMs: number
  /** The complete output, for the item. */
  readonly output = new OutputBuffer()
  /** Output that the model has not seen. */
  readonly unread = new OutputBuffer()
  /** True when the command has a terminal, into which the model can type. */
  readonly hasTerminal: boolean
  /** Set when the command has ended and its output is complete, before the completed item is published. */
  readonly ended = Deferred.makeUnsafe<void>()
  /** The exit status, set after the completed item is published. */
  readonly finished = Deferred.makeUnsafe<number>()
  /** True once the process has exited, when its id may belong to another one. */
  hasExited = false
  /** Incremented by every call that uses the session. */
  lastUse = 0
  /** Number of calls that wait for the session. */
  awaitedBy = 0
  /** True if the approval request already announced the item. */
  readonly #announced: boolean
  readonly #publishing = Semaphore.makeUnsafe(1)
  readonly #interactions = Semaphore.makeUnsafe(MaxInteractions)
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  #phase: "silent" | "streaming" = "silent"
  #streaming = false
  #terminated = false
  #closing: string | undefined
  #deltas = 0
  #published = 0
  #chunks = 0
  #waiting = false

  constructor(options: {
    readonly id: number
    readonly shown: CommandSummary
    readonly process: Process
    readonly turn: ToolTurn
    readonly startedAtMs: number
    readonly announced: boolean
    readonly stdio: Stdio
  }) {
    this.id = options.id
    this.shown = options.shown
    this.process = options.process
    this.turn = options.turn
    this.startedAtMs = options.startedAtMs
    this.#announced = options.announced
    this.hasTerminal = options.stdio.type === "terminal"
  }

  /** Kills the command, which counts as failed with status -1. */
  readonly terminate: Effect.Effect<void> = Effect.suspend(() => {
    if (this.hasExited) return Effect.void
    this.#terminated = true
    return this.process.kill
  })

  /** Sets a line of the server at the end of the item's output. Only the first call counts. */
  note(line: string): void {
    this.#closing ??= line
  }

  /** `text` followed by the line of `note`. */
  closed(text: string): string {
    if (this.#closing === undefined) return text
    return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${this.#closing}\n`
  }

  /** Sends the signal of control-C to the command. */
  readonly interrupt: Effect.Effect<void> = Effect.suspend(() =>
    this.hasExited ? Effect.void : this.process.interrupt
  )

  /**
   * Runs an interaction with the command. The item of a command that ends meanwhile is completed after it, so it must end soon
   * after `ended`.
   */
  interacting<A>(interaction: Effect.Effect<A>): Effect.Effect<A> {
    return this.#interactions.withPermit(interaction)
  }

  /** Follows the command to its end. Interrupting it leaves the item open. */
  readonly follow: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const window = this.shown.isUsers === true ? Effect.void : Effect.sleep(Window)
    const announcer = yield* Effect.forkChild(Effect.andThen(window, this.#announce), { startImmediately: true })
    const reader = yield* Effect.forkChild(this.#readAll)
    const status = yield* this.process.exit
    yield* this.#drain(reader)
    // Processes left in the command's group are killed with it, as in the release.
    yield* this.process.kill
    this.hasExited = true
    if (this.#phase === "streaming") yield* Fiber.join(announcer)
    else {
      yield* Fiber.interrupt(announcer)
      if (!this.#announced) yield* this.turn.itemStarted(this.#item({}))
    }
    const exitCode = this.#terminated ? -1 : status
    const durationMs = Math.max(0, (yield* Clock.currentTimeMillis) - this.startedAtMs)
    const text = this.closed(this.output.text())
    yield* Deferred.succeed(this.ended, undefined)
    const completed = this.turn.itemCompleted(
      this.#item({
        status: exitCode === 0 ? "completed" : "failed",
        aggregatedOutput: text === "" ? null : text,
        exitCode,
        durationMs
      })
    )
    yield* this.#interactions.withPermits(MaxInteractions)(completed)
    this.output.clear()
    yield* Deferred.succeed(this.finished, exitCode)
  })

  #item(fields: Partial<CommandItem>): CommandItem {
    const origin =
      this.shown.isUsers === true
        ? { source: "userShell" as const, startedAtMs: this.startedAtMs }
        : { processId: String(this.id) }
    return itemOf(this.shown, { ...origin, ...fields })
  }

  readonly #announce: Effect.Effect<void> = Effect.suspend(() => {
    this.#phase = "streaming"
    return this.#publishing.withPermit(
      Effect.gen({ self: this }, function* () {
        if (!this.#announced) yield* this.turn.itemStarted(this.#item({}))
        // Taking the buffer and switching to streaming is one step, so that no byte is published twice or lost.
        const early = this.#earlyOutput()
        this.#streaming = true
        yield* Effect.forEach(early, this.#publishDelta, { discard: true })
      })
    )
  })

  readonly #readAll: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    while (true) {
      this.#waiting = true
      const chunk = yield* this.process.read
      this.#waiting = false
      if (chunk === undefined) break
      this.#chunks++
      this.output.write(chunk)
      this.unread.write(chunk)
      if (this.#isStreaming)
        yield* this.#publishing.withPermit(this.#publishDelta(this.#decoder.decode(chunk, { stream: true })))
    }
    if (this.#isStreaming) yield* this.#publishing.withPermit(this.#publishDelta(this.#decoder.decode()))
  })

  /** Waits for the end of the output. Other processes than the command may hold the pipe. */
  #drain(reader: Fiber.Fiber<void>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const ended = Effect.map(Effect.timeoutOption(Fiber.await(reader), Grace), (exit) => exit._tag === "Some")
      if (yield* ended) return
      yield* this.process.kill
      for (let graces = 0; graces < MaxGraces;) {
        const before = this.#chunks
        if (yield* ended) return
        // The reader waits for the client and not for the pipe, so output must not be dropped.
        if (this.#waiting && this.#chunks === before) break
        if (this.#chunks !== before) graces++
      }
      yield* this.process.closeOutput
      yield* Fiber.await(reader)
    })
  }

  /** False when nothing more is published, so that output is not decoded for nothing. */
  get #isStreaming(): boolean {
    return this.#streaming && this.#deltas < MaxDeltas && this.#published < MaxDeltaCharacters
  }

  #earlyOutput(): ReadonlyArray<string> {
    const [head, tail] = this.output.parts()
    const decode = (bytes: Uint8Array): Array<string> => {
      const texts: Array<string> = []
      for (let at = 0; at < bytes.length; at += PieceSize) {
        texts.push(this.#decoder.decode(bytes.subarray(at, at + PieceSize), { stream: true }))
      }
      return texts
    }
    if (this.output.omitted === 0) return [...decode(head), ...decode(tail)]
    return [...decode(head), this.#decoder.decode(), `\n${gap(this.output.omitted)}\n`, ...decode(tail)]
  }

  readonly #publishDelta = (delta: string): Effect.Effect<void> => {
    if (delta === "" || !this.#isStreaming) return Effect.void
    this.#deltas++
    this.#published += delta.length
    return this.turn.notify("item/commandExecution/outputDelta", {
      threadId: this.turn.threadId,
      turnId: this.turn.turnId,
      itemId: this.shown.itemId,
      delta
    })
  }
}
