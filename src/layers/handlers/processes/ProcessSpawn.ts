/**
 * Processes of a client outside of any thread and of any sandbox: `process/*`. Experimental.
 *
 * The response follows the start; the output and the end are notifications. A process ends with its connection. The requests
 * are refused when the requirements do not permit full access.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { ProcessSpawnParams } from "../../../protocol/v2/process/Process.ts"
import { Config } from "../../../services/config/Config.ts"
import { settle } from "../../../services/config/Permitted.ts"
import type { Connection } from "../../../services/connection/Connection.ts"
import type { Handler, HandlersFor } from "../../../services/connection/Handlers.ts"
import * as Reply from "../../../services/connection/Reply.ts"
import { OutboundRouter } from "../../../services/routing/OutboundRouter.ts"
import { internal, invalidRequest, type RequestError } from "../../../services/routing/RequestError.ts"
import type { HostCommand, HostProcess } from "../../../services/tool/HostProcesses.ts"
import * as Base64 from "../Base64.ts"
import { DefaultSize, DefaultTimeoutMs, exitWithin } from "./CommandExec.ts"
import type { Launchers } from "./Launchers.ts"
import { DefaultCap, ProcessOutput } from "./ProcessOutput.ts"
import { checkSize, invalidParams, type Names, ProcessTable } from "./ProcessTable.ts"

const names: Names = {
  what: "process",
  id: "process handle",
  duplicate: "duplicate active process handle",
  size: "process",
  write: "process/writeStdin"
}

const check = (params: ProcessSpawnParams): Effect.Effect<void, RequestError> => {
  const { size, timeoutMs = null } = params
  if (params.command.length === 0) return Effect.fail(invalidRequest("command must not be empty"))
  if (params.processHandle === "") return Effect.fail(invalidRequest("processHandle must not be empty"))
  if (size != null && params.tty !== true) return Effect.fail(invalidParams("process/spawn size requires tty: true"))
  if (timeoutMs !== null && timeoutMs < 0) {
    return Effect.fail(invalidParams(`process/spawn timeoutMs must be non-negative, got ${timeoutMs}`))
  }
  return size == null ? Effect.void : checkSize(size, names)
}

/** A value that is absent has a default; null means that there is no limit. */
const limitOf = (value: number | null | undefined, standard: number): number | null =>
  value === undefined ? standard : value

type Router = OutboundRouter["Service"]

/** The process of a request, if the requirements permit one without a sandbox. */
const commandOf = Effect.fnUntraced(function* (config: Config["Service"], params: ProcessSpawnParams) {
  const effective = yield* config.effective({ cwd: null, overrides: {}, requested: {} })
  const { approvalPolicy, approvalsReviewer, modelProvider } = effective
  const policy = { type: "dangerFullAccess" } as const
  const wanted = { approvalPolicy, approvalsReviewer, modelProvider, sandboxPolicy: policy, profile: null }
  const violation = settle(effective.bounds, wanted).violations.find(({ field }) => field === "sandboxPolicy")
  if (violation !== undefined) return yield* invalidRequest(violation.refusal)
  const command: HostCommand = {
    command: params.command,
    cwd: params.cwd,
    environment: params.env ?? {},
    config: effective,
    policy,
    terminal: params.tty === true ? (params.size ?? DefaultSize) : null,
    input: params.streamStdin === true
  }
  return command
})

/** Publishes the output, and returns the end. */
const follow = Effect.fnUntraced(function* (
  router: Router,
  connection: Connection,
  params: ProcessSpawnParams,
  process: HostProcess
) {
  const { processHandle } = params
  const streams = params.tty === true || params.streamStdoutStderr === true
  const output = new ProcessOutput({
    cap: limitOf(params.outputBytesCap, DefaultCap),
    publish: streams
      ? ({ bytes, ...delta }) =>
          router.notifyConnection(connection, "process/outputDelta", {
            processHandle,
            ...delta,
            deltaBase64: Base64.encode(bytes)
          })
      : null
  })
  const limit = limitOf(params.timeoutMs, DefaultTimeoutMs)
  const { drainTimedOut, exitCode } = yield* output.follow(process, exitWithin(process, limit))
  return {
    processHandle,
    exitCode,
    outputDrainTimedOut: drainTimedOut,
    stdout: output.stdout.text,
    stdoutCapReached: output.stdout.capReached,
    stderr: output.stderr.text,
    stderrCapReached: output.stderr.capReached
  }
})

export const make = (
  launchers: Launchers
): Effect.Effect<
  HandlersFor<"process/spawn" | "process/writeStdin" | "process/kill" | "process/resizePty">,
  never,
  Config | OutboundRouter
> =>
  Effect.gen(function* () {
    const config = yield* Config
    const router = yield* OutboundRouter
    const table = new ProcessTable(names)

    const spawn: Handler<"process/spawn"> = Effect.fnUntraced(function* (params, { connection }) {
      yield* check(params)
      const hasTerminal = params.tty === true
      const options = { hasTerminal, hasInput: hasTerminal || params.streamStdin === true }
      const { entry, scope } = yield* table.take(connection, params.processHandle, options)
      const starting = Effect.gen(function* () {
        const command = yield* commandOf(config, params)
        const launch = yield* launchers.of(connection)
        return yield* Effect.mapError(launch(command), ({ reason }) => internal(`failed to spawn process: ${reason}`))
      })
      const process = yield* Effect.onError(Scope.provide(starting, scope), () => Scope.close(scope, Exit.void))
      // The handle is free again before the client reads of the end.
      const course = Scope.provide(follow(router, connection, params, process), scope).pipe(
        Effect.tap(() => Scope.close(scope, Exit.void)),
        Effect.flatMap((ended) => router.notifyConnection(connection, "process/exited", ended))
      )
      const begun = Effect.andThen(
        Deferred.succeed(entry.started, process),
        Effect.forkIn(course, connection.resources)
      )
      return Reply.withCommit({}, Effect.asVoid(begun))
    })

    const done = {}
    return {
      "process/spawn": spawn,
      "process/writeStdin": ({ processHandle, ...input }, { connection }) =>
        Effect.as(table.write(connection, processHandle, input), done),
      "process/kill": ({ processHandle }, { connection }) => Effect.as(table.kill(connection, processHandle), done),
      "process/resizePty": ({ processHandle, size }, { connection }) =>
        Effect.as(table.resize(connection, processHandle, size), done)
    }
  })
