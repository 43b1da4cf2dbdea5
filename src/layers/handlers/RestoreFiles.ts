/**
 * The files of `thread/revert`, for clients with the extension `spindle/files`.
 *
 * The files are checked before the turns are reverted, and restored afterwards: the end of a running turn is part of the
 * revert, and may change files too.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { Extension, restoreIn } from "../../protocol/extensions/Files.ts"
import type { Extensions } from "../../protocol/jsonrpc/Envelope.ts"
import type { RequestContext } from "../../services/connection/Handlers.ts"
import { RequestError } from "../../services/routing/RequestError.ts"
import type { Thread } from "../../services/thread/Thread.ts"
import type { FileHistory, RestoreConflict, RestorePlan } from "../../services/tool/FileHistory.ts"

/** Maximum number of files that a response or an error lists of each kind. */
const MaxListed = 1000

const invalid = new RequestError({
  code: ErrorCode.InvalidParams,
  message: `the member ${Extension} of thread/revert must be {"restore": true, "onConflict": "refuse" or "skip"}`
})

const unsupported = new RequestError({
  code: ErrorCode.InvalidRequest,
  message: "this server keeps no history of files"
})

const refused = (conflicts: ReadonlyArray<RestoreConflict>): RequestError =>
  new RequestError({
    code: ErrorCode.InvalidRequest,
    message: `${conflicts.length} files cannot be restored, so nothing was reverted; see data, or use "onConflict": "skip"`,
    data: { [Extension]: { conflicts: conflicts.slice(0, MaxListed).map((conflict) => ({ ...conflict })) } }
  })

const memberOf = ({ conflicts, files }: RestorePlan): Extensions => ({
  [Extension]: {
    restored: files.slice(0, MaxListed).map((file) => ({ ...file })),
    conflicts: conflicts.slice(0, MaxListed).map((conflict) => ({ ...conflict }))
  }
})

/** Checks a request to restore files. Returns what restores them, and reports it. */
export const prepareRestoration = Effect.fnUntraced(function* (
  history: FileHistory["Service"] | undefined,
  thread: Thread,
  beforeTurnId: string,
  { connection, extensions }: RequestContext
): Effect.fn.Return<Effect.Effect<Extensions | undefined>, RequestError> {
  const onConflict = connection.session?.restoresFiles === true ? restoreIn(extensions) : undefined
  if (onConflict === undefined) return Effect.succeed(undefined)
  if (onConflict === null) return yield* invalid
  if (history === undefined) return yield* unsupported
  const { turns } = thread.state
  const from = turns.findLastIndex(({ id }) => id === beforeTurnId)
  // An unknown turn is an error of the revert itself.
  const turnIds = from === -1 ? [] : turns.slice(from).map(({ id }) => id)
  const failed = ({ message }: Error) => new RequestError({ code: ErrorCode.Internal, message })
  const { conflicts } = yield* Effect.mapError(history.plan(thread.id, turnIds), failed)
  if (conflicts.length > 0 && onConflict === "refuse") return yield* refused(conflicts)
  return history.restore(thread.id, turnIds).pipe(
    Effect.map(memberOf),
    // The turns are reverted already: the failure is part of the response.
    Effect.catch(({ message }) => Effect.succeed({ [Extension]: { restored: [], conflicts: [], error: message } }))
  )
})
