/**
 * A client of an app-server, independent of the transport.
 *
 * Only awaited messages are parsed: at hundreds of turns a second, the client's own work must not be measured.
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
  /** Deltas received so far. */
  deltas = 0
  /** Responses to `calls` so far. */
  answered = 0
  readonly #answers = new Map<number, Waiter>()
  readonly #turns = new Map<string, Waiter>()
  #nextId = 1
  #calls: Calls | undefined

  /** Sends messages with as few writes as possible. */
  protected abstract send(messages: ReadonlyArray<string>): void

  request(method: string, params: unknown): Promise<unknown> {
    const id = this.#nextId++
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
    })
    this.send([JSON.stringify({ id, method, params })])
    return answer
  }

  /**
   * Sends the smallest request `count` times, with `inFlight` pending at once. Returns the milliseconds until the last
   * response.
   */
  calls(count: number, inFlight: number): Promise<number> {
    const from = performance.now()
    this.answered = 0
    return new Promise<unknown>((resolve, reject) => {
      this.#calls = { count, inFlight, sent: 0, waiter: { resolve, reject } }
      this.pump()
    }).then(() => performance.now() - from)
  }

  /** Does the handshake with all capabilities. */
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

  /** Runs a turn. Returns the milliseconds from `turn/start` to `turn/completed`. */
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

  /** Waits for the end of a turn in a thread. */
  completed(threadId: string): Promise<unknown> {
    return new Promise<unknown>((resolve, reject) => {
      this.#turns.set(threadId, { resolve, reject })
    })
  }

  /** Processes the message between two indices of a text. */
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

  /** Called after every read: sends the remaining requests of `calls`. */
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

  /** Fails everything that waits for a response. */
  protected fail(error: Error): void {
    for (const waiter of [...this.#answers.values(), ...this.#turns.values()]) waiter.reject(error)
    this.#calls?.waiter.reject(error)
    this.#answers.clear()
    this.#turns.clear()
    this.#calls = undefined
  }
}
