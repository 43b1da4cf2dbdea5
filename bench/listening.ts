/**
 * A server that listens for WebSockets, and its clients.
 */
import { WebSocket } from "@effect/platform-node/NodeWS"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { performance } from "node:perf_hooks"
import { Client } from "./client.ts"
import { type Launch, running } from "./server.ts"

/** The flags of a server for `Listening`. */
export const flags: ReadonlyArray<string> = ["--listen", "ws://127.0.0.1:0"]

/** One mask for all messages, so that masking costs the client no time. */
const mask = (buffer: Buffer): void => {
  buffer.fill(0)
}

export class Peer extends Client {
  readonly #socket: WebSocket
  readonly #tcp: Socket

  constructor(url: string) {
    super()
    const tcp = connect({ host: "127.0.0.1", port: Number(new URL(url).port), noDelay: true })
    this.#tcp = tcp
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      generateMask: mask,
      createConnection: () => tcp
    })
    this.#socket.on("message", (data: Buffer) => {
      const text = data.toString("latin1")
      this.take(text, 0, text.length)
      this.pump()
    })
    this.#socket.on("error", (error) => this.fail(error))
    this.#socket.on("close", (code) => this.fail(new Error(`the server has closed the connection: ${code}`)))
  }

  async open(): Promise<this> {
    await once(this.#socket, "open")
    await this.initialize()
    return this
  }

  /** Subscribes to an existing thread. */
  resume(threadId: string): Promise<unknown> {
    return this.request("thread/resume", { threadId })
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause()
  }

  close(): void {
    this.#socket.terminate()
  }

  protected override send(messages: ReadonlyArray<string>): void {
    const tcp = this.#tcp
    if (tcp.writableCorked === 0) {
      tcp.cork()
      setImmediate(() => tcp.uncork())
    }
    for (const message of messages) this.#socket.send(message)
  }
}

export class Listening {
  readonly pid: number
  readonly url: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  constructor(child: ChildProcess, exited: Promise<unknown>, url: string) {
    this.pid = child.pid ?? 0
    this.url = url
    this.#child = child
    this.#exited = exited
  }

  /** Starts a server; it is ready when it has printed its address. */
  static async start({ args, command, cwd, env }: Launch): Promise<Listening> {
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] })
    running.add(child)
    const exited = once(child, "close").finally(() => running.delete(child))
    exited.catch(() => {})
    let said = ""
    const url = await new Promise<string>((resolve, reject) => {
      child.stderr.on("data", (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-2000)
        const at = /listening on: (ws:\S+)/.exec(said)?.[1]
        if (at !== undefined) resolve(at)
      })
      exited.then(
        () => reject(new Error(`the server exited: ${said}`)),
        (error: Error) => reject(error)
      )
    })
    return new Listening(child, exited, url)
  }

  /** A new client after its handshake. */
  connect(): Promise<Peer> {
    return new Peer(this.url).open()
  }

  /** This number of clients, opened in batches. */
  async connectMany(count: number): Promise<ReadonlyArray<Peer>> {
    const peers: Array<Peer> = []
    while (peers.length < count) {
      const more = Array.from({ length: Math.min(50, count - peers.length) }, () => this.connect())
      peers.push(...(await Promise.all(more)))
    }
    return peers
  }

  /** Sends this number of signals. Returns the milliseconds from the last one to the exit. */
  async stop(signals = 2): Promise<number> {
    for (let sent = 1; sent < signals; sent++) {
      this.#child.kill("SIGTERM")
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const from = performance.now()
    this.#child.kill("SIGTERM")
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 20_000)
    await this.#exited.catch(() => {})
    clearTimeout(timer)
    return performance.now() - from
  }
}

/** Starts a server and stops it after use, also after a failure. */
export const listening = async <A>(launch: Launch, use: (server: Listening) => Promise<A>): Promise<A> => {
  const server = await Listening.start(launch)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}
