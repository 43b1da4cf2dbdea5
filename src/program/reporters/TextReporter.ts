/**
 * A run as text for users.
 *
 * Only the agent's messages go to stdout, so that they can be piped. Actions, reasoning and token usage go to stderr,
 * dimmed. On one terminal both form a single page.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Terminal } from "effect/Terminal"
import type { Item, ThreadItem } from "../../protocol/v2/item/Item.ts"
import type { ServerNotification } from "../../protocol/Methods.ts"
import type { TokenUsageBreakdown } from "../../protocol/v2/thread/Thread.ts"
import type { TurnError } from "../../protocol/v2/turn/ErrorInfo.ts"
import type { Turn } from "../../protocol/v2/turn/Turn.ts"
import * as Format from "./Format.ts"
import { TerminalLayout } from "../console/TerminalLayout.ts"
import { plain, shown, shownOnOneLine } from "../console/ShownText.ts"
import { ask, type ApprovalPrompt, choicesOf, nobodyToAsk } from "./ApprovalPrompt.ts"
import type { Reporter } from "./Reporter.ts"
import type { TerminalConsole, OutputStream } from "../console/Console.ts"

/** How long a turn must be idle before a terminal shows that it still runs. */
const QuietMillis = 1000

const addedTokens = (now: TokenUsageBreakdown, before: TokenUsageBreakdown | null): TokenUsageBreakdown =>
  before === null
    ? now
    : {
        totalTokens: now.totalTokens - before.totalTokens,
        inputTokens: now.inputTokens - before.inputTokens,
        cachedInputTokens: now.cachedInputTokens - before.cachedInputTokens,
        cacheWriteInputTokens: now.cacheWriteInputTokens - before.cacheWriteInputTokens,
        outputTokens: now.outputTokens - before.outputTokens,
        reasoningOutputTokens: now.reasoningOutputTokens - before.reasoningOutputTokens
      }

class TextRenderer {
  readonly page: TerminalLayout
  readonly #screen: TerminalConsole["Service"]
  readonly #terminal: Terminal
  /** The item that is being streamed, and its stream. */
  #streaming: { readonly id: string; readonly stream: OutputStream } | null = null
  /** Items whose text was streamed, so that it is not repeated when they complete. */
  readonly #streamed = new Set<string>()
  /** Messages other than the final answer. */
  readonly #commentary = new Set<string>()
  /** The command whose line is the last one on the page. */
  #lastCommand: string | null = null
  /** Warnings that were shown: some arrive both for the server and for the thread. */
  readonly #warned = new Set<string>()
  /** Commands that were already shown as declined. */
  readonly #declined = new Set<string>()
  /** Why the last attempt at an answer failed. */
  #retryCause: string | null = null
  #turnId: string | null = null
  #usage: TokenUsageBreakdown | null = null
  #usageBefore: TokenUsageBreakdown | null = null
  /** The time of the last event, in milliseconds; null while the user is not waiting for the agent. */
  #quietSince: number | null = null
  #turnStartedAt = 0

  constructor(screen: TerminalConsole["Service"], terminal: Terminal) {
    this.#screen = screen
    this.#terminal = terminal
    this.page = new TerminalLayout(screen)
  }

  #dim = (text: string): string => this.#screen.err.paint("dim", text)

  /** A block on stderr. */
  #note(...lines: ReadonlyArray<string>): Effect.Effect<void> {
    this.#streaming = null
    this.#lastCommand = null
    return this.page.block(this.#screen.err, ...lines)
  }

  #warning(text: string, details?: string | null): Effect.Effect<void> {
    const { err } = this.#screen
    if (this.#warned.has(text)) return Effect.void
    this.#warned.add(text)
    const rest = details == null || details === "" ? [] : plain(details).split("\n").map(this.#dim)
    return this.#note(`${err.paint("yellow", "warning:")} ${plain(text)}`, ...rest)
  }

  /** One line per attempt; the cause is shown when it differs from that of the previous attempt. */
  #retrying({ additionalDetails, message }: TurnError): Effect.Effect<void> {
    const isNew = additionalDetails !== this.#retryCause
    this.#retryCause = additionalDetails
    const line = `${this.#screen.err.paint("yellow", "warning:")} ${plain(message)}`
    return isNew && additionalDetails !== null
      ? this.#note(line, ...plain(additionalDetails).split("\n").map(this.#dim))
      : this.page.lines(this.#screen.err, line)
  }

  readonly opened: Reporter["opened"] = (thread) => this.#note(this.#dim(shownOnOneLine(Format.thread(thread))))

  readonly remark: Reporter["remark"] = (text) => this.#note(this.#dim(plain(text)))

  readonly failed: Reporter["failed"] = (message) =>
    this.#note(`${this.#screen.err.paint("red", "error:")} ${plain(message).trimEnd()}`)

  readonly asked: Reporter["asked"] = (question) =>
    Effect.gen({ self: this }, function* () {
      const { canAsk, err } = this.#screen
      // The command is already on the page, unless something was written after it.
      if (this.#lastCommand !== question.itemId) {
        yield* this.#note(`${this.#dim("$")} ${err.paint("cyan", shown(Format.command(question.subject)))}`)
      }
      this.#lastCommand = question.itemId
      if (!canAsk) {
        this.#declined.add(question.itemId)
        const text = nobodyToAsk("there is no terminal to ask for approval")
        yield* this.page.lines(err, err.paint("yellow", `└ ${text}`))
        return "nobody"
      }
      this.#quietSince = null
      const details = [question.reason, question.cwd === null ? null : `in ${question.cwd}`]
      yield* this.page.lines(
        err,
        ...details.filter((line) => line !== null).map((line) => this.#dim(`  ${shownOnOneLine(line)}`))
      )
      const decision = yield* ask(this.#prompt(question))
      this.#quietSince = yield* Clock.currentTimeMillis
      return decision
    })

  /** A line of user input; undefined at the end of the input. */
  #prompt(question: ApprovalPrompt): Effect.Effect<string | undefined> {
    const { err } = this.#screen
    const text = `${err.paint("yellow", "?")} ${question.question} ${shownOnOneLine(choicesOf(question))} `
    return Effect.suspend(() => this.page.text(err, text)).pipe(
      Effect.andThen(Effect.option(this.#terminal.readLine)),
      Effect.map((line) => {
        // The terminal has already shown the user's line end.
        if (Option.isSome(line)) this.page.lineEnded(err)
        return Option.getOrUndefined(line)
      })
    )
  }

  readonly notified: Reporter["notified"] = (notification) =>
    Effect.gen({ self: this }, function* () {
      const now = yield* Clock.currentTimeMillis
      if (this.#quietSince !== null) this.#quietSince = now
      yield* this.#notified(notification, now)
    })

  #notified(notification: ServerNotification, now: number): Effect.Effect<void> {
    switch (notification.method) {
      case "turn/started":
        this.#turnId = notification.params.turn.id
        this.#quietSince = now
        this.#turnStartedAt = now
        return Effect.void
      case "item/started":
        return this.#started(notification.params.item)
      case "item/completed":
        return this.#completed(notification.params.item)
      case "item/agentMessage/delta":
        return this.#message(notification.params.itemId, notification.params.delta)
      case "item/reasoning/summaryTextDelta":
      case "item/reasoning/textDelta":
        return this.#reasoning(notification.params.itemId, notification.params.delta)
      case "item/reasoning/summaryPartAdded":
        return notification.params.summaryIndex === 0
          ? Effect.void
          : this.#reasoning(notification.params.itemId, "\n\n")
      case "turn/plan/updated":
        return this.#note(...Format.plan(notification.params).map(plain).map(this.#dim))
      case "thread/tokenUsage/updated": {
        const { tokenUsage, turnId } = notification.params
        if (turnId === this.#turnId) this.#usage = tokenUsage.total
        else this.#usageBefore = tokenUsage.total
        return Effect.void
      }
      case "warning":
      case "guardianWarning":
        return this.#warning(notification.params.message)
      case "configWarning":
      case "deprecationNotice":
        return this.#warning(notification.params.summary, notification.params.details)
      case "model/rerouted":
        return this.#warning(`${notification.params.toModel} answers instead of ${notification.params.fromModel}`)
      case "error":
        return notification.params.willRetry ? this.#retrying(notification.params.error) : Effect.void
      case "turn/completed":
        return this.#ended(notification.params.turn, now)
      default:
        return Effect.void
    }
  }

  #started(item: ThreadItem): Effect.Effect<void> {
    switch (item.type) {
      case "agentMessage":
        if (item.phase === "commentary") this.#commentary.add(item.id)
        return Effect.void
      case "commandExecution":
        return Effect.andThen(
          this.#note(this.#commandLine(item)),
          Effect.sync(() => {
            this.#lastCommand = item.id
          })
        )
      default:
        return Effect.void
    }
  }

  #commandLine(item: Item<"commandExecution">): string {
    const { err } = this.#screen
    return `${err.paint("dim", "$")} ${err.paint("cyan", shown(Format.command(item.command)))}`
  }

  #completed(item: ThreadItem): Effect.Effect<void> {
    switch (item.type) {
      case "agentMessage":
        if (item.phase === "commentary") this.#commentary.add(item.id)
        return this.#streamed.has(item.id) ? this.#endOf(item.id) : this.#whole(item.id, item.text, "message")
      case "reasoning": {
        const text = (item.summary.length > 0 ? item.summary : item.content).join("\n\n")
        return this.#streamed.has(item.id) ? this.#endOf(item.id) : this.#whole(item.id, text, "reasoning")
      }
      case "commandExecution":
        return this.#commandEnded(item)
      default: {
        const lines = Format.work(item)
        return lines.length === 0 ? Effect.void : this.#note(...lines.map(plain).map(this.#dim))
      }
    }
  }

  #commandEnded(item: Item<"commandExecution">): Effect.Effect<void> {
    if (this.#declined.has(item.id)) return Effect.void
    const { err } = this.#screen
    const width = err.columns() - 4
    const gutter = this.#dim("│")
    // The output of a declined command is the reason.
    const output = item.status === "declined" ? "" : (item.aggregatedOutput ?? "")
    const lines = [
      ...Format.excerpt(output, width).map((line) => `${gutter} ${this.#dim(line)}`),
      err.paint(item.status === "completed" ? "dim" : "red", `└ ${shownOnOneLine(Format.outcome(item))}`)
    ]
    return this.#lastCommand === item.id
      ? this.page.lines(err, ...lines)
      : this.#note(this.#commandLine(item), ...lines)
  }

  #message(id: string, delta: string): Effect.Effect<void> {
    const { err, out } = this.#screen
    if (this.#commentary.has(id)) return this.#stream(err, id, plain(delta), (text) => text)
    return this.#stream(out, id, out.isTerminal ? plain(delta) : delta, (text) => text)
  }

  #reasoning(id: string, delta: string): Effect.Effect<void> {
    return this.#stream(this.#screen.err, id, plain(delta), this.#dim)
  }

  #stream(stream: OutputStream, id: string, text: string, paint: (text: string) => string): Effect.Effect<void> {
    const continues = this.#streaming?.id === id
    this.#streaming = { id, stream }
    this.#streamed.add(id)
    this.#lastCommand = null
    const written = Effect.suspend(() => this.page.text(stream, text, paint))
    return continues ? written : Effect.andThen(this.page.block(stream), written)
  }

  /** Writes the text of an item that was not streamed. */
  #whole(id: string, text: string, kind: "message" | "reasoning"): Effect.Effect<void> {
    if (text === "") return Effect.void
    return Effect.andThen(
      Effect.suspend(() => (kind === "message" ? this.#message(id, text) : this.#reasoning(id, text))),
      Effect.suspend(() => this.#endOf(id))
    )
  }

  #endOf(id: string): Effect.Effect<void> {
    if (this.#streaming?.id !== id) return Effect.void
    const { stream } = this.#streaming
    this.#streaming = null
    return this.page.endLine(stream)
  }

  #ended(turn: Turn, now: number): Effect.Effect<void> {
    const { err } = this.#screen
    this.#quietSince = null
    const usage = this.#usage === null ? null : addedTokens(this.#usage, this.#usageBefore)
    const lines = [this.#dim(Format.cost(usage, turn.durationMs ?? now - this.#turnStartedAt))]
    if (turn.status === "interrupted") lines.unshift(err.paint("yellow", "Interrupted."))
    if (turn.status === "failed") {
      const { additionalDetails, message } = turn.error ?? { additionalDetails: null, message: "the turn failed" }
      if (additionalDetails !== null) lines.unshift(this.#dim(plain(additionalDetails)))
      lines.unshift(`${err.paint("red", "error:")} ${plain(message)}`)
    }
    return this.#note(...lines)
  }

  /** Shows, until interrupted, that an idle turn still runs. */
  readonly showProgress: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const now = yield* Clock.currentTimeMillis
    if (this.#quietSince === null || now - this.#quietSince < QuietMillis) return
    const seconds = Math.floor((now - this.#turnStartedAt) / 1000)
    yield* this.page.progress(`… working, ${seconds} s (Ctrl-C stops)`)
  }).pipe(Effect.andThen(Effect.sleep("500 millis")), Effect.forever)
}

/** A reporter for users. On terminals, the progress line ends with the scope. */
export const make = Effect.fnUntraced(function* (screen: TerminalConsole["Service"], terminal: Terminal) {
  const render = new TextRenderer(screen, terminal)
  if (screen.err.isTerminal) {
    yield* Effect.forkScoped(render.showProgress)
    yield* Effect.addFinalizer(() => render.page.clearProgress())
  }
  const reporter: Reporter = render
  return reporter
})
