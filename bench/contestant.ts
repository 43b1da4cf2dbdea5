/**
 * A contestant in its own process, seen from the parent.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import type { Run, Done } from "./contestants/worker.ts"

export class Contestant {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Starts the module `contestants/<name>.ts` with its argument. */
  static async start(name: string, argument: string): Promise<Contestant> {
    const child = fork(new URL("contestants/worker.ts", import.meta.url), [name, argument])
    await next(child)
    return new Contestant(child)
  }

  /** Makes this number of calls, with `inFlight` at once. */
  async run(calls: number, inFlight: number): Promise<Done> {
    const done = next(this.#child)
    this.#child.send({ calls, inFlight } satisfies Run)
    return (await done) as Done
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect()
  }
}

const next = async (child: ChildProcess): Promise<unknown> => {
  const ended = new AbortController()
  const exit = once(child, "exit", { signal: ended.signal }).then(() => {
    throw new Error("a contestant exited early")
  })
  try {
    const [message] = await Promise.race([once(child, "message", { signal: ended.signal }), exit])
    return message
  } finally {
    ended.abort()
    exit.catch(() => {})
  }
}
