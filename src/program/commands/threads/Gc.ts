/**
 * `spindle threads gc`: applies the limits of the configuration to the stored threads.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Rollouts from "../../../layers/stores/Rollouts.ts"
import * as Retention from "../../../layers/stores/rollouts/Retention.ts"
import { type Expired, hasLimit } from "../../../layers/stores/rollouts/RetentionPolicy.ts"
import { Config } from "../../../services/config/Config.ts"
import { ThreadStore } from "../../../services/thread/ThreadStore.ts"
import { type OutputStream, TerminalConsole } from "../../console/Console.ts"
import { failure, ThreadsError } from "./Home.ts"
import { fitted, localTime, shortIds, tabbed, titleOf, utcTime } from "./Text.ts"

/** The longest title that is printed, in characters. */
const MaxTitle = 200

const units = ["B", "KiB", "MiB", "GiB", "TiB"]

/** A size such as `1.5 MiB`. */
const sizeOf = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** Why a thread over a limit is kept. */
const reasons = {
  used: "another program has it open",
  referenced: "a fork refers to it",
  changed: "it has changed meanwhile",
  unreadable: "its file is not understood"
} as const

const lineOf = (out: OutputStream, verb: string, { limit, thread }: Expired, id: string, title: string): string => {
  const { bytes, changedAt } = thread
  if (!out.isTerminal) return tabbed(verb, thread.id, limit, utcTime(changedAt), String(bytes), title)
  const cells = `${verb}  ${id}  ${localTime(changedAt)}  ${sizeOf(bytes).padStart(10)}  ${limit.padEnd(5)}  `
  return `${out.paint("dim", cells)}${fitted(title, Math.max(12, out.columns() - cells.length))}\n`
}

const plural = (count: number): string => `${count} ${count === 1 ? "thread" : "threads"}`

/** The limits; it is an error when there is none, because then the command can do nothing. */
const policy = Effect.gen(function* () {
  const limits = yield* Effect.mapError(Rollouts.retention, ({ message }) => failure(message))
  if (hasLimit(limits)) return limits
  return yield* new ThreadsError({
    message:
      "No limit is set. Set retention_days, retention_threads or retention_size_mb in the table [spindle] of\n" +
      "config.toml, or pass one: -c spindle.retention_days=90",
    code: 2
  })
})

/** Removes what exceeds the limits. With `dryRun`, nothing is removed. */
export const run = Effect.fnUntraced(function* (dryRun: boolean) {
  const { home } = yield* Config
  const store = yield* ThreadStore
  const { err, out } = yield* TerminalConsole
  const limits = yield* policy
  const retention = yield* Retention.make(home)
  const excess = yield* retention.excess(limits, yield* Clock.currentTimeMillis)
  let [count, bytes] = [0, 0]
  // Before anything is removed: a summary takes longer when the home has just changed.
  const titles = yield* Effect.forEach(excess, ({ thread }) =>
    Effect.match(store.summary(thread.id), {
      onFailure: () => "",
      onSuccess: (summary) => (summary === null ? "" : titleOf(summary).slice(0, MaxTitle))
    })
  )
  const short = shortIds(excess.map(({ thread }) => thread.id))
  for (const [index, one] of excess.entries()) {
    const { bytes: size, id } = one.thread
    const outcome = yield* dryRun ? retention.examine(one) : retention.remove(one)
    if (outcome === "removed") {
      count++
      bytes += size
      yield* out.write(lineOf(out, dryRun ? "excess" : "removed", one, short[index] ?? id, titles[index] ?? ""))
    } else yield* err.write(`kept ${id}: ${reasons[outcome]}\n`)
  }
  const verb = dryRun ? "would be removed" : "removed"
  yield* err.write(`${plural(count)} ${verb}, ${sizeOf(bytes)}\n`)
  return 0
})
