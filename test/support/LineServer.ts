/**
 * A server process on standard input and output, with a client that sees every message as it arrives.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process"
import process from "node:process"
import * as Readline from "node:readline"

export type Json = Readonly<Record<string, unknown>>

/** The members of an object; none for any other value. */
export const json = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {})

/** A server process with a client that reads its messages. */
export class LineServer {
  readonly #child: ChildProcess
  readonly #answers = new Map<number, (message: Json) => void>()
  readonly exited: Promise<void>
  #lastId = 0
  received = 0

  get pid(): number | undefined {
    return this.#child.pid
  }

  onMessage: (message: Json) => void = () => {}

  constructor(command: ReadonlyArray<string>, home: string) {
    const [program = "", ...args] = command
    this.#child = spawn(program, args, {
      cwd: home,
      env: { PATH: process.env["PATH"], HOME: home, SPINDLE_HOME: home, CODEX_HOME: home, MOCK_KEY: "x" },
      stdio: ["pipe", "pipe", "ignore"]
    })
    this.exited = new Promise((resolve) => this.#child.once("close", () => resolve()))
    this.#child.stdin?.on("error", () => {})
    if (this.#child.stdout !== null) {
      Readline.createInterface({ input: this.#child.stdout }).on("line", (line) => this.#read(line))
    }
  }

  #read(line: string): void {
    this.received++
    const message = json(JSON.parse(line))
    const id = message["id"]
    if (typeof id === "number" && message["method"] === undefined) {
      this.#answers.get(id)?.(message)
      this.#answers.delete(id)
    }
    this.onMessage(message)
  }

  request(method: string, params: unknown, extensions?: Json): Promise<Json> {
    const id = ++this.#lastId
    const answer = new Promise<Json>((resolve) => this.#answers.set(id, resolve))
    this.#child.stdin?.write(`${JSON.stringify({ id, method, params, extensions })}\n`)
    return answer
  }

  notify(method: string): void {
    this.#child.stdin?.write(`${JSON.stringify({ method })}\n`)
  }

  /** Answers a request of the server. */
  answer(id: number, result: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify({ id, result })}\n`)
  }

  async result(method: string, params: unknown): Promise<Json> {
    const message = await this.request(method, params)
    if (message["error"] !== undefined) throw new Error(`${method}: ${JSON.stringify(message["error"])}`)
    return json(message["result"])
  }

  /** The next message that passes. */
  next(passes: (message: Json) => boolean): Promise<Json> {
    return new Promise((resolve) => {
      const before = this.onMessage
      this.onMessage = (message) => {
        before(message)
        if (passes(message)) resolve(message)
      }
    })
  }

  /** Closes its input and waits for its end. */
  async stop(): Promise<void> {
    this.#child.stdin?.end()
    await this.exited
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL")
    await this.exited
  }
}
