/**
 * A program that exchanges JSON lines on its standard input and output, seen from the client.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { performance } from "node:perf_hooks"
import process from "node:process"
import { Client } from "./client.ts"

/** How a program is started. */
export interface Launch {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

/** The processes to end when the bench ends. */
export const running = new Set<ChildProcess>()

process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

/** Time in milliseconds that a program may take to exit after the end of its input. */
const Grace = 5000

export class Server extends Client {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  #partial = ""
  #errors = ""

  constructor(launch: Launch) {
    super()
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
    child.once("error", (error) => this.fail(error))
    this.#exited = once(child, "close").finally(() => {
      running.delete(child)
      this.fail(new Error(`the server exited: ${this.#errors}`))
    })
    this.#exited.catch(() => {})
  }

  protected override send(messages: ReadonlyArray<string>): void {
    this.#child.stdin?.write(`${messages.join("\n")}\n`)
  }

  /** Ends the input and waits for the program to exit, up to this number of milliseconds. */
  async stop(grace = Grace): Promise<void> {
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), grace)
    await this.#exited.catch(() => {})
    clearTimeout(timer)
  }

  #read(chunk: Buffer): void {
    // Characters outside ASCII do not matter here, and this is the cheapest conversion to text.
    const text = this.#partial + chunk.toString("latin1")
    let from = 0
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", from)) {
      this.take(text, from, at)
      from = at + 1
    }
    this.#partial = text.slice(from)
    this.pump()
  }
}

/** Starts a program and stops it after use, also after a failure. */
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
