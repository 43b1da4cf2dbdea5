/**
 * A program that speaks lines of JSON on its standard input and output, seen from the client.
 *
 * Only lines that somebody waits for are parsed: at hundreds of turns a second the client must not be what is measured.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { performance } from "node:perf_hooks"
import process from "node:process"

/** How a program is started. */
export interface Launch {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

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

const running = new Set<ChildProcess>()

process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

const delta = '{"method":"item/agentMessage/delta"'
const turnCompleted = '{"method":"turn/completed"'

/** Milliseconds that a program may take to end after its input has ended. */
const Grace = 5000

export class Server {
  readonly pid: number
  /** Lines with a piece of an answer so far. */
  deltas = 0
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #answers = new Map<number, Waiter>()
  readonly #turns = new Map<string, Waiter>()
  #nextId = 1
  #partial = ""
  #errors = ""

  constructor(launch: Launch) {
    const { command, args, env, cwd } = launch
    const child = spawn(command, args, { env, cwd, stdio: ["pipe", "pipe", "pipe"] })
    this.#child = child
    this.pid = child.pid ?? 0
    running.add(child)
    child.stdin.on("error", () => {})
    child.stdout.on("data", (chunk: Buffer) => this.#read(chunk))
    child.stderr.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-2000)
    })
    child.once("error", (error) => this.#fail(error))
    this.#exited = once(child, "close").finally(() => {
      running.delete(child)
      this.#fail(new Error(`the server has ended: ${this.#errors}`))
    })
    this.#exited.catch(() => {})
  }

  request(method: string, params: unknown): Promise<unknown> {
    const id = this.#nextId++
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
    })
    this.#child.stdin?.write(`${JSON.stringify({ id, method, params })}\n`)
    return answer
  }

  /** Says hello as a client that knows everything. */
  async initialize(): Promise<void> {
    await this.request("initialize", {
      clientInfo: { name: "bench", title: null, version: "1.0.0" },
      capabilities: { experimentalApi: true, requestAttestation: false }
    })
    this.#child.stdin?.write('{"method":"initialized"}\n')
  }

  async startThread(cwd: string): Promise<string> {
    const { thread } = (await this.request("thread/start", { cwd })) as { readonly thread: { readonly id: string } }
    return thread.id
  }

  /** Runs a turn; the milliseconds from `turn/start` to `turn/completed`. */
  async turn(threadId: string): Promise<number> {
    const completed = new Promise<unknown>((resolve, reject) => {
      this.#turns.set(threadId, { resolve, reject })
    })
    const from = performance.now()
    const started = this.request("turn/start", {
      threadId,
      input: [{ type: "text", text: "Say a word.", text_elements: [] }]
    })
    await Promise.all([started, completed])
    return performance.now() - from
  }

  /** Ends the input and waits for the program to end by itself. */
  async stop(): Promise<void> {
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), Grace)
    await this.#exited.catch(() => {})
    clearTimeout(timer)
  }

  #read(chunk: Buffer): void {
    // Whatever is not ASCII is of no interest here, and this is the cheapest way to text.
    const text = this.#partial + chunk.toString("latin1")
    let from = 0
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", from)) {
      this.#line(text, from, at)
      from = at + 1
    }
    this.#partial = text.slice(from)
  }

  #line(text: string, from: number, to: number): void {
    if (text.startsWith(delta, from)) {
      this.deltas++
    } else if (text.startsWith(turnCompleted, from)) {
      this.#turnCompleted(JSON.parse(text.slice(from, to)) as TurnCompleted)
    } else if (text.startsWith('{"id"', from) || text.startsWith('{"error"', from)) {
      this.#answer(JSON.parse(text.slice(from, to)) as Answer)
    }
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

  #fail(error: Error): void {
    for (const waiter of [...this.#answers.values(), ...this.#turns.values()]) waiter.reject(error)
    this.#answers.clear()
    this.#turns.clear()
  }
}

/** Starts a program and ends it after use, whatever comes. */
export const using = async <A>(launch: Launch, use: (server: Server) => Promise<A>): Promise<A> => {
  const server = new Server(launch)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

/** Milliseconds from the start of a program to its end. */
export const lifetime = async ({ command, args, env, cwd }: Launch): Promise<number> => {
  const from = performance.now()
  const child = spawn(command, args, { env, cwd, stdio: "ignore" })
  running.add(child)
  await once(child, "exit")
  running.delete(child)
  return performance.now() - from
}
