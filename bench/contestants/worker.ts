/**
 * The process of one contestant: makes calls on request and reports their time.
 */
import { performance } from "node:perf_hooks"
import process from "node:process"

/** The interface of a contestant module: `start(argument)`. */
export interface Calls {
  readonly run: (calls: number, inFlight: number) => Promise<void>
}

export interface Run {
  readonly calls: number
  readonly inFlight: number
}

export interface Done {
  readonly millis: number
  /** CPU time of this process in milliseconds, user and system. */
  readonly cpuMillis: number
}

const [name, argument = ""] = process.argv.slice(2)
const contestant = (await import(`./${name}.ts`)) as { readonly start: (argument: string) => Promise<Calls> }
const calls = await contestant.start(argument)

process.on("message", async (run: Run) => {
  const cpu = process.cpuUsage()
  const from = performance.now()
  await calls.run(run.calls, run.inFlight)
  const millis = performance.now() - from
  const { system, user } = process.cpuUsage(cpu)
  process.send?.({ millis, cpuMillis: (system + user) / 1000 } satisfies Done)
})

process.once("disconnect", () => process.exit())
process.send?.("ready")
