/**
 * The stored threads of the home, for the commands that show and change them.
 *
 * Owns that a command opens the store without a server, walks over its pages, and reports what went wrong with an exit code.
 *
 * @module
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { AppServerOptions } from "../../../layers/AppServerOptions.ts"
import { findHome } from "../../../layers/MachineInfo.ts"
import * as Rollouts from "../../../layers/stores/Rollouts.ts"
import { type Config, layer as configLayer } from "../../../services/config/Config.ts"
import * as ThreadCursor from "../../../services/thread/ThreadCursor.ts"
import {
  everyThread,
  type ThreadPage,
  type ThreadPageRequest,
  ThreadStore,
  type ThreadStoreError,
  type ThreadSummary
} from "../../../services/thread/ThreadStore.ts"
import { TerminalConsole } from "../../console/Console.ts"
import { plain } from "../../console/ShownText.ts"

/** A command that failed, with the text for the user. */
export class ThreadsError extends Schema.TaggedError<ThreadsError>()("ThreadsError", {
  message: Schema.String,
  /** The exit code. */
  code: Schema.Int
}) {}

export const failure = (message: string): ThreadsError => new ThreadsError({ message, code: 1 })

/** What commands need of the options of a server. */
export type Options = Pick<AppServerOptions, "cliOverrides" | "home" | "loader">

/** The store of the home, and its configuration. */
const layer = ({ cliOverrides = [], home, loader }: Options) =>
  Layer.suspend(() => {
    const config = configLayer({
      home: home ?? findHome(process.env).path,
      cwd: process.cwd(),
      environment: process.env,
      cliOverrides,
      ...(loader === undefined ? {} : { loader })
    })
    return Layer.provideMerge(Rollouts.layer, config)
  })

const causeOf = ({ cause, reason }: ThreadStoreError): string => {
  const explains = reason === "unavailable" || reason === "conflict"
  return explains && cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : ""
}

/** What went wrong, for users. */
export const explained = (error: ThreadStoreError): string => `${error.message}${causeOf(error)}`

/** The most recently changed threads first. */
export const newestFirst: ThreadPageRequest = {
  filter: { ...everyThread, archived: false },
  cursor: null,
  limit: 1,
  sortKey: "updated_at",
  sortDirection: "desc"
}

/** Number of threads that are asked for at a time. */
const PageLimit = 500

type Page = Pick<ThreadPage, "nextCursor">

/** Calls `use` for page after page until `limit` threads or matches were shown. Zero is no limit. */
export const eachPage = Effect.fnUntraced(function* <P extends Page, E, R>(
  fetch: (request: ThreadPageRequest) => Effect.Effect<P, ThreadStoreError>,
  request: Omit<ThreadPageRequest, "cursor" | "limit">,
  limit: number,
  use: (page: P) => Effect.Effect<number, E, R>
): Effect.fn.Return<void, E | ThreadStoreError, R> {
  let left = limit === 0 ? Number.POSITIVE_INFINITY : limit
  let cursor: ThreadPageRequest["cursor"] = null
  while (left > 0) {
    const page: P = yield* fetch({ ...request, cursor, limit: Math.min(left, PageLimit) })
    left -= yield* use(page)
    cursor = page.nextCursor === null ? null : (ThreadCursor.parse(page.nextCursor) ?? null)
    if (cursor === null) return
  }
})

/** Every thread that passes the filter, the most recently changed first. */
export const allThreads = Effect.fnUntraced(function* (
  store: ThreadStore["Service"],
  filter: Partial<ThreadPageRequest["filter"]>
): Effect.fn.Return<ReadonlyArray<ThreadSummary>, ThreadStoreError> {
  const found: Array<ThreadSummary> = []
  yield* eachPage(store.list, { ...newestFirst, filter: { ...everyThread, ...filter } }, 0, ({ threads }) =>
    Effect.sync(() => {
      found.push(...threads)
      return threads.length
    })
  )
  return found
})

/** A note when threads are not stored at all. */
const noteMemory = Effect.gen(function* () {
  const { volatile } = yield* ThreadStore
  const { err } = yield* TerminalConsole
  if (volatile !== undefined && (yield* volatile)) {
    yield* err.write(
      `${err.paint("yellow", "warning:")} the setting spindle.store is "memory": threads are not stored\n`
    )
  }
})

/**
 * Runs a command on the store. The result is the exit code. A reader of stdout that goes away ends the command with 1.
 */
export const run = <R>(
  options: Options,
  command: Effect.Effect<number, ThreadsError | ThreadStoreError, R | ThreadStore | Config>
) =>
  Effect.gen(function* () {
    const { err, flush, readerGone } = yield* TerminalConsole
    const refused = (message: string, code: number) =>
      Effect.as(err.write(`${err.paint("red", "error:")} ${plain(message)}\n`), code)
    const shown = Effect.andThen(noteMemory, command).pipe(
      Effect.catchTags({
        ThreadsError: ({ code, message }) => refused(message, code),
        ThreadStoreError: (error) => refused(explained(error), 1)
      }),
      Effect.provide(layer(options)),
      Effect.catch((error) => refused(error.message, 1)),
      Effect.tap(() => flush)
    )
    return yield* Effect.raceFirst(shown, Effect.as(readerGone, 1))
  })
