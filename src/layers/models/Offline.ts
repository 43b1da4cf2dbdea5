/**
 * A model without a network: it follows directives, deterministically.
 *
 * For the demo, for tests, and for authors of clients: it exercises the whole turn loop. It answers only when it was
 * selected (`Default.ts`, or the `model` of an embedding program), and never replaces another model.
 *
 * It follows the user's message of the turn if every non-blank line is a directive. Any other message gets a short fixed
 * reply and none of it is followed. Directives are lower case and start in the first column.
 *
 * | line | effect |
 * |---|---|
 * | `run: <command>` | calls `exec_command` with `{"cmd": …}`; several lines are several calls of one answer. When the outputs are back, they are reported in a message |
 * | `say: <text>` | a message, streamed word by word |
 * | `think: <text>` | a reasoning item with that summary, streamed word by word, and then the text as a message |
 * | `count: <n>` | a message of the numbers from 1 to `n` in as many deltas, at most a million |
 * | `<tool>: <JSON>` | calls an offered tool, with a namespace as `<namespace>.<tool>`; a custom tool gets the text, or the value of a JSON string |
 * | `fail: <message>` | the answer ends with a `ModelError` with that message and class `other` |
 * | `wait` | the answer does not end until it is interrupted |
 * | `then` | the next lines follow when the outputs of the calls so far are back |
 *
 * Ids consist of the turn's id and the position in the conversation, so that the same conversation gives the same answer.
 * One word counts as one token.
 *
 * @module
 */
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { ModelError, type ModelEvent, ModelProvider, type ModelRequest } from "../../services/model/ModelProvider.ts"
import { callsSincePrompt, countWords, inputWords } from "./offline/ConversationState.ts"
import { answerAfter, parse, type Step } from "./offline/Directives.ts"
import { answersAs } from "./offline/Name.ts"
import { greeting, reportOf } from "./offline/Report.ts"

/** Number of events per batch. */
const ChunkSize = 512

/** The parts of an answer. */
const stepsOf = (request: ModelRequest): ReadonlyArray<Step> => {
  if (request.prompt === null) return [{ _tag: "Say", text: greeting("") }]
  const calls = callsSincePrompt(request.input)
  const steps = parse(request.prompt, request.tools)
  const next = steps === undefined ? undefined : answerAfter(steps, calls.length)
  if (next !== undefined) return next
  return [{ _tag: "Say", text: calls.length > 0 ? reportOf(calls) : greeting(request.prompt) }]
}

/** Splits a text into words with their trailing blanks. */
const wordsOf = (text: string): Iterable<string> => text.match(/^\s+|\S+\s*/g) ?? []

function* numbersTo(last: number): Iterable<string> {
  for (let number = 1; number < last; number++) yield `${number} `
  yield `${last}`
}

/** The events of one answer, created on demand. */
class Answer {
  readonly #request: ModelRequest
  readonly #steps: ReadonlyArray<Step>
  #items = 0
  #words = 0
  #thoughts = 0

  constructor(request: ModelRequest, steps: ReadonlyArray<Step>) {
    this.#request = request
    this.#steps = steps
  }

  *events(): Generator<ModelEvent> {
    for (const step of this.#steps) yield* this.#step(step)
  }

  completed(): ModelEvent {
    const inputTokens = inputWords(this.#request.input)
    const outputTokens = this.#words + this.#thoughts
    const totalTokens = inputTokens + outputTokens
    const usage = {
      inputTokens,
      cachedInputTokens: 0,
      outputTokens,
      reasoningOutputTokens: this.#thoughts,
      totalTokens
    }
    return { _tag: "Completed", usage, endTurn: true }
  }

  #step(step: Step): Iterable<ModelEvent> {
    switch (step._tag) {
      case "Say":
        return this.#message(wordsOf(step.text))
      case "Count":
        return this.#message(numbersTo(step.to))
      case "Think":
        return this.#thoughtAloud(step.text)
      case "Call":
        return [this.#call(step)]
      case "Fail":
      case "Then":
      case "Wait":
        return []
    }
  }

  *#message(words: Iterable<string>): Generator<ModelEvent> {
    const itemId = this.#id("msg")
    let text = ""
    yield { _tag: "ItemStarted", itemId, kind: "message" }
    for (const delta of words) {
      text += delta
      this.#words++
      yield { _tag: "TextDelta", itemId, delta }
    }
    const content = [{ type: "output_text" as const, text }]
    yield { _tag: "ItemDone", item: { type: "message", role: "assistant", id: itemId, content } }
  }

  *#thoughtAloud(text: string): Generator<ModelEvent> {
    yield* this.#thought(text)
    yield* this.#message(wordsOf(text))
  }

  *#thought(text: string): Generator<ModelEvent> {
    const itemId = this.#id("rs")
    const summaryIndex = 0
    yield { _tag: "ItemStarted", itemId, kind: "reasoning" }
    yield { _tag: "SummaryPartAdded", itemId, summaryIndex }
    for (const delta of wordsOf(text)) {
      this.#thoughts++
      yield { _tag: "SummaryDelta", itemId, summaryIndex, delta }
    }
    const summary = [{ type: "summary_text" as const, text }]
    yield { _tag: "ItemDone", item: { type: "reasoning", id: itemId, summary, encrypted_content: null } }
  }

  #call({ input, tool }: Extract<Step, { readonly _tag: "Call" }>): ModelEvent {
    const call_id = this.#id("call")
    const { name } = tool
    this.#words += countWords(input)
    return {
      _tag: "ItemDone",
      item:
        tool.type === "function"
          ? {
              type: "function_call",
              call_id,
              name,
              ...(tool.namespace === undefined ? {} : { namespace: tool.namespace.name }),
              arguments: input
            }
          : { type: "custom_tool_call", call_id, name, input }
    }
  }

  #id(prefix: string): string {
    return `${prefix}_${this.#request.turnId}_${this.#request.input.length + this.#items++}`
  }
}

const stream = (request: ModelRequest): Stream.Stream<ModelEvent, ModelError> =>
  Stream.suspend(() => {
    const steps = stepsOf(request)
    // Steps after an end are ignored.
    const end = steps.find((step) => step._tag === "Fail" || step._tag === "Wait")
    const answer = new Answer(request, end === undefined ? steps : steps.slice(0, steps.indexOf(end)))
    const events = Stream.fromIterable(answer.events(), { chunkSize: ChunkSize })
    switch (end?._tag) {
      case "Fail":
        return Stream.concat(events, Stream.fail(new ModelError({ message: end.text, info: "other" })))
      case "Wait":
        return Stream.concat(events, Stream.never)
      default:
        return Stream.concat(
          events,
          Stream.sync(() => answer.completed())
        )
    }
  })

/** The offline model. It needs no key and no network, and answers the same every time. */
export const layer: Layer.Layer<ModelProvider> = Layer.succeed(ModelProvider, { stream, answersAs })
