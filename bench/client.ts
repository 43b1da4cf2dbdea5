/**
 * A client of an app-server, whatever carries its messages.
 *
 * Only messages that somebody waits for are parsed: at hundreds of turns a second the client must not be what is measured.
 */
import { performance } from "node:perf_hooks"

interface Waiter {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string } | null
}

interface TurnCompleted {
  readonly params: {
    readonly threadId: string
    readonly turn: { readonly status: string; readonly error: { readonly message: string } | null }
  }
}

interface Calls {
  readonly count: number
  readonly inFlight: number
  readonly waiter: Waiter
  sent: number
}

const delta = '{"method":"item/agentMessage/delta"'
const turnCompleted = '{"method":"turn/completed"'

export abstract class Client {
  /** Messages with a piece of an answer so far. */
  deltas = 0
  /** Answers to `calls` so far. */
  answered = 0
  readonly #answers = new Map<number, Waiter>()
  readonly #turns = new Map<string, Waiter>()
  #nextId = 1
  #calls: Calls | undefined

  /** Sends messages, as few writes as possible. */
  protected abstract send(messages: ReadonlyArray<string>): void

  request(method: string, params: unknown): Promise<unknown> {
    const id = this.#nextId++
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
    })
    this.send([JSON.stringify({ id, method, params })])
    return answer
  }

  /** Makes the smallest request many times, so many of them in flight; the milliseconds until the last answer. */
  calls(count: number, inFlight: number): Promise<number> {
    const from = performance.now()
    this.answered = 0
    return new Promise<unknown>((resolve, reject) => {
      this.#calls = { count, inFlight, sent: 0, waiter: { resolve, reject } }
      this.pump()
    }).then(() => performance.now() - from)
  }

  /** Says hello as a client that knows everything. */
  async initialize(): Promise<void> {
    await this.request("initialize", {
      clientInfo: { name: "bench", title: null, version: "1.0.0" },
      capabilities: { experimentalApi: true, requestAttestation: false }
    })
    this.send(['{"method":"initialized"}'])
  }

  async startThread(cwd: string): Promise<string> {
    const { thread } = (await this.request("thread/start", { cwd })) as { readonly thread: { readonly id: string } }
    return thread.id
  }

  /** Runs a turn; the milliseconds from `turn/start` to `turn/completed`. */
  async turn(threadId: string): Promise<number> {
    const completed = this.completed(threadId)
    const from = performance.now()
    const started = this.startTurn(threadId)
    await Promise.all([started, completed])
    return performance.now() - from
  }

  startTurn(threadId: string): Promise<unknown> {
    return this.request("turn/start", {
      threadId,
      input: [{ type: "text", text: "Say a word.", text_elements: [] }]
    })
  }

  /** Waits for the end of a turn that somebody runs in a thread. */
  completed(threadId: string): Promise<unknown> {
    return new Promise<unknown>((resolve, reject) => {
      this.#turns.set(threadId, { resolve, reject })
    })
  }

  /** Takes the message between two places of a text. */
  protected take(text: string, from: number, to: number): void {
    if (text.startsWith(delta, from)) {
      this.deltas++
    } else if (text.startsWith(turnCompleted, from)) {
      this.#turnCompleted(JSON.parse(text.slice(from, to)) as TurnCompleted)
    } else if (text.startsWith('{"id"', from) || text.startsWith('{"error"', from)) {
      if (this.#calls === undefined) this.#answer(JSON.parse(text.slice(from, to)) as Answer)
      else this.answered++
    }
  }

  /** To be called after every read: sends what `calls` has yet to send. */
  protected pump(): void {
    const calls = this.#calls
    if (calls === undefined) return
    if (this.answered === calls.count) {
      this.#calls = undefined
      calls.waiter.resolve(undefined)
      return
    }
    const messages: Array<string> = []
    for (; calls.sent < calls.count && calls.sent - this.answered < calls.inFlight; calls.sent++) {
      messages.push(`{"id":${this.#nextId++},"method":"thread/loaded/list","params":{}}`)
    }
    if (messages.length > 0) this.send(messages)
  }

  #answer({ error, id = 0, result }: Answer): void {
    const waiter = this.#answers.get(id)
    this.#answers.delete(id)
    if (error === undefined || error === null) waiter?.resolve(result)
    else waiter?.reject(new Error(error.message))
  }

  #turnCompleted({ params: { threadId, turn } }: TurnCompleted): void {
    const waiter = this.#turns.get(threadId)
    this.#turns.delete(threadId)
    if (turn.status === "completed") waiter?.resolve(undefined)
    else waiter?.reject(new Error(`a turn ended as ${turn.status}: ${turn.error?.message}`))
  }

  /** Nobody will answer any more. */
  protected fail(error: Error): void {
    for (const waiter of [...this.#answers.values(), ...this.#turns.values()]) waiter.reject(error)
    this.#calls?.waiter.reject(error)
    this.#answers.clear()
    this.#turns.clear()
    this.#calls = undefined
  }
}
