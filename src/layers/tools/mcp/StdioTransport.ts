/**
 * The connection to an MCP server that is a child process: one JSON document per line on its standard input and output.
 *
 * Owns the process with its process group, and the limits on what it writes. A line that is not JSON is skipped; a line
 * beyond the limit ends the connection, because the answer that it holds is lost. Standard error is read and dropped, except
 * for its end, which the log shows when the server fails. While the server does not read, nothing more is read from it.
 *
 * Used instead of the SDK's own transport, which reads without a limit and ends only the process itself.
 *
 * @module
 */
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import type { Readable, Writable } from "node:stream"
import * as Util from "node:util"
import { LineSplitter } from "../../../protocol/jsonrpc/Lines.ts"
import { McpError } from "../../../services/mcp/McpError.ts"
import { accepts, isToolsChanged, MaxMessageBytes, toolsChanged } from "./IncomingMessages.ts"

/** Bytes of unread input of the server above which its output is not read. */
const MaxUnread = 1024 * 1024

/** Bytes of standard error that are kept for the log. */
const MaxErrorText = 4096

/** How long a server may take to exit after its standard input was closed. */
const CloseGrace = "500 millis"

/** How long it may take after SIGTERM, before SIGKILL. */
const TermGrace = "1 second"

/** How long the end of a killed server is awaited. */
const KillGrace = "2 seconds"

/** The program to start. */
export interface ServerProgram {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** Absolute path. */
  readonly cwd: string
}

/** A started server. */
export interface StdioConnection {
  readonly transport: Transport
  /** The end of what it wrote to standard error. */
  readonly errorText: () => string
}

type Child = ChildProcess.ChildProcessByStdio<Writable, Readable, Readable>

const startProblem = (error: unknown): McpError => {
  const errno = error instanceof Error && "errno" in error && typeof error.errno === "number" ? error.errno : undefined
  if (errno === undefined) return new McpError({ reason: "unavailable", detail: "nul byte found in provided data" })
  const text = Util.getSystemErrorMessage(errno) ?? "unknown error"
  const detail = `${text.charAt(0).toUpperCase()}${text.slice(1)} (os error ${-errno})`
  return new McpError({ reason: "unavailable", detail })
}

const spawn = ({ args, command, cwd, env }: ServerProgram): Effect.Effect<Child, McpError> =>
  Effect.callback((resume) => {
    try {
      const child = ChildProcess.spawn(command, args, {
        cwd,
        env,
        stdio: ["pipe", "pipe", "pipe"],
        // A group of its own, so that its children end with it.
        detached: true,
        windowsHide: true
      })
      child.once("error", (error) => resume(Effect.fail(startProblem(error))))
      child.once("spawn", () => resume(Effect.succeed(child)))
    } catch (error) {
      resume(Effect.fail(startProblem(error)))
    }
  })

/** Signals the whole group. */
const signal = (child: Child, name: NodeJS.Signals): boolean => {
  try {
    return child.pid !== undefined && process.kill(-child.pid, name)
  } catch {
    // Every process of the group has exited.
    return false
  }
}

/** Ends the process and its group: end of input, SIGTERM, SIGKILL. */
const end = (child: Child, exited: Deferred.Deferred<void>): Effect.Effect<void> =>
  Effect.gen(function* () {
    const within = (grace: typeof CloseGrace | typeof TermGrace | typeof KillGrace) =>
      Effect.timeoutOption(Deferred.await(exited), grace)
    child.stdin.destroy()
    yield* within(CloseGrace)
    if (signal(child, "SIGTERM")) yield* within(TermGrace)
    if (signal(child, "SIGKILL")) yield* within(KillGrace)
    child.stdout.destroy()
    child.stderr.destroy()
    child.unref()
  })

class StdioTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: Transport["onmessage"]
  readonly #child: Child
  readonly #lines = new LineSplitter(MaxMessageBytes)
  #closed = false
  #errorText = ""

  constructor(child: Child) {
    this.#child = child
    // Reads from the start: an unread pipe would stop the server.
    child.stderr.on("data", (chunk: Buffer) => {
      this.#errorText = `${this.#errorText}${chunk.toString("utf8")}`.slice(-MaxErrorText)
    })
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => undefined)
  }

  get errorText(): string {
    return this.#errorText.trim()
  }

  async start(): Promise<void> {
    const { stdin, stdout } = this.#child
    stdin.on("drain", () => void stdout.resume())
    stdout.on("data", (chunk: Buffer) => this.#read(chunk))
    // The end of the output is the end of the connection, even if the process lives on.
    stdout.once("close", () => this.#end())
    this.#child.once("exit", () => this.#end())
  }

  #read(chunk: Buffer): void {
    let isChanged = false
    for (const line of this.#lines.push(chunk)) {
      if (this.#closed) return
      if ("overlong" in line) return this.#end()
      const message = accepts(line)
      if (message === undefined) continue
      // One notice says as much as a thousand.
      if (isToolsChanged(message)) isChanged = true
      else this.onmessage?.(message)
    }
    if (this.#lines.isOverlong) return this.#end()
    if (isChanged) this.onmessage?.(toolsChanged)
    if (this.#child.stdin.writableLength > MaxUnread) this.#child.stdout.pause()
  }

  send(message: JSONRPCMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      const { stdin } = this.#child
      if (this.#closed || !stdin.writable) return reject(Object.assign(new Error("closed"), { code: "EPIPE" }))
      stdin.write(`${JSON.stringify(message)}\n`, (error) => (error == null ? resolve() : reject(error)))
    })
  }

  /** The process ends with its scope. */
  async close(): Promise<void> {
    this.#end()
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    this.onclose?.()
  }
}

/** Starts the server. It ends, with its process group, when the scope closes. */
export const connect = (program: ServerProgram): Effect.Effect<StdioConnection, McpError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(spawn(program), (child) => {
      const exited = Deferred.makeUnsafe<void>()
      child.once("exit", () => Deferred.doneUnsafe(exited, Exit.void))
      return { child, exited }
    }),
    ({ child, exited }) => end(child, exited)
  ).pipe(
    Effect.map(({ child }) => {
      const transport = new StdioTransport(child)
      return { transport, errorText: () => transport.errorText }
    })
  )
