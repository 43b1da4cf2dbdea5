/**
 * Commands of a client outside of any thread: `command/exec` and its followers.
 *
 * A command runs in the sandbox that the client chose, else in that of the configuration, and always within the
 * requirements. The response follows the last output. The command ends with its connection, or when its request is
 * cancelled.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Path from "node:path"
import type { CommandExecParams } from "../../../protocol/v2/process/CommandExec.ts"
import { Config } from "../../../services/config/Config.ts"
import type { EffectiveConfig } from "../../../services/config/EffectiveConfig.ts"
import { settle } from "../../../services/config/Permitted.ts"
import { policyOfProfile } from "../../../services/config/SandboxChoice.ts"
import { ServerInfo } from "../../../services/config/ServerInfo.ts"
import { isTable } from "../../../services/config/Table.ts"
import type { Connection } from "../../../services/connection/Connection.ts"
import type { Handler, HandlersFor } from "../../../services/connection/Handlers.ts"
import { OutboundRouter } from "../../../services/routing/OutboundRouter.ts"
import { internal, invalidRequest, type RequestError } from "../../../services/routing/RequestError.ts"
import type { HostCommand, HostProcessError } from "../../../services/tool/HostProcesses.ts"
import * as Base64 from "../Base64.ts"
import type { Launchers } from "./Launchers.ts"
import { DefaultCap, ProcessOutput } from "./ProcessOutput.ts"
import { checkSize, invalidParams, type Names, ProcessTable } from "./ProcessTable.ts"

const names: Names = {
  what: "command/exec",
  id: "process id",
  duplicate: "duplicate active command/exec process id",
  size: "command/exec",
  write: "command/exec/write"
}

/** Default time limit in milliseconds, as in the release. */
export const DefaultTimeoutMs = 10_000

/** Maximum delay of a timer: 24 days. */
const MaxTimeout = 2 ** 31 - 1

/** The exit status of a command that was ended by its time limit. */
const TimedOut = 124

export const DefaultSize = { rows: 24, cols: 80 }

/** In the order of the release. */
const check = (params: CommandExecParams): Effect.Effect<void, RequestError> => {
  const fail = (message: string) => Effect.fail(invalidParams(`command/exec ${message}`))
  const { size, timeoutMs = null } = params
  if (params.command.length === 0) return Effect.fail(invalidRequest("command must not be empty"))
  if (size != null && params.tty !== true) return fail("size requires tty: true")
  if (params.sandboxPolicy != null && params.permissionProfile != null) {
    return Effect.fail(invalidRequest("`permissionProfile` cannot be combined with `sandboxPolicy`"))
  }
  if (params.outputBytesCap != null && params.disableOutputCap === true) {
    return fail("cannot set both outputBytesCap and disableOutputCap")
  }
  if (timeoutMs !== null && params.disableTimeout === true) return fail("cannot set both timeoutMs and disableTimeout")
  if (timeoutMs !== null && timeoutMs < 0) return fail(`timeoutMs must be non-negative, got ${timeoutMs}`)
  const sized = size == null ? Effect.void : checkSize(size, names)
  const streams = params.tty === true || params.streamStdin === true || params.streamStdoutStderr === true
  return streams && params.processId == null
    ? Effect.andThen(sized, invalidRequest("command/exec tty or streaming requires a client-supplied processId"))
    : sized
}

/** The policy of the request, else that of the configuration. One that the requirements do not permit is refused. */
const policyOf = Effect.fnUntraced(function* (params: CommandExecParams, config: EffectiveConfig) {
  const profile = params.permissionProfile ?? null
  if (params.sandboxPolicy == null && profile === null) return config.sandboxPolicy
  const { permissions } = config.settings
  const named = profile === null ? undefined : policyOfProfile(profile, isTable(permissions) ? permissions : undefined)
  if (named !== undefined && Result.isFailure(named)) {
    return yield* invalidRequest(`invalid permission profile: ${named.failure}`)
  }
  const sandboxPolicy = named?.success ?? params.sandboxPolicy ?? config.sandboxPolicy
  const { approvalPolicy, approvalsReviewer, modelProvider } = config
  const wanted = { approvalPolicy, approvalsReviewer, modelProvider, sandboxPolicy, profile }
  const violation = settle(config.bounds, wanted).violations.find(({ field }) => field === "sandboxPolicy")
  return violation === undefined ? sandboxPolicy : yield* invalidRequest(violation.refusal)
})

/** The exit status of a process, which is killed after its time limit in milliseconds; null for no limit. */
export const exitWithin = (
  process: { readonly exit: Effect.Effect<number>; readonly kill: Effect.Effect<void> },
  limit: number | null
): Effect.Effect<number> => {
  if (limit === null) return process.exit
  return Effect.flatMap(Effect.timeoutOption(process.exit, Math.min(limit, MaxTimeout)), (inTime) =>
    Option.isSome(inTime) ? Effect.succeed(inTime.value) : Effect.as(process.kill, TimedOut)
  )
}

type Router = OutboundRouter["Service"]

/** The output of a command, streamed if the client asked for it. */
const outputOf = (router: Router, connection: Connection, params: CommandExecParams): ProcessOutput => {
  const processId = params.tty === true || params.streamStdoutStderr === true ? (params.processId ?? null) : null
  return new ProcessOutput({
    cap: params.disableOutputCap === true ? null : (params.outputBytesCap ?? DefaultCap),
    publish:
      processId === null
        ? null
        : ({ bytes, ...delta }) =>
            router.notifyConnection(connection, "command/exec/outputDelta", {
              processId,
              ...delta,
              deltaBase64: Base64.encode(bytes)
            })
  })
}

const commandOf = Effect.fnUntraced(function* (config: Config["Service"], cwd: string, params: CommandExecParams) {
  const effective = yield* config.effective({ cwd: null, overrides: {}, requested: {} })
  const command: HostCommand = {
    command: params.command,
    cwd: Path.resolve(cwd, params.cwd ?? ""),
    environment: params.env ?? {},
    config: effective,
    policy: yield* policyOf(params, effective),
    terminal: params.tty === true ? (params.size ?? DefaultSize) : null,
    input: params.streamStdin === true
  }
  return command
})

export const make = (
  launchers: Launchers
): Effect.Effect<
  HandlersFor<"command/exec" | "command/exec/write" | "command/exec/terminate" | "command/exec/resize">,
  never,
  Config | OutboundRouter | ServerInfo
> =>
  Effect.gen(function* () {
    const config = yield* Config
    const router = yield* OutboundRouter
    const { cwd } = yield* ServerInfo
    const table = new ProcessTable(names)

    const exec: Handler<"command/exec"> = Effect.fnUntraced(function* (params, { connection }) {
      yield* check(params)
      const hasTerminal = params.tty === true
      const options = { hasTerminal, hasInput: hasTerminal || params.streamStdin === true }
      const { entry, scope } = yield* table.take(connection, params.processId ?? null, options)
      const output = outputOf(router, connection, params)
      const run = Effect.gen(function* () {
        const command = yield* commandOf(config, cwd, params)
        const launch = yield* launchers.of(connection)
        const failed = ({ reason }: HostProcessError) => internal(`failed to spawn command: ${reason}`)
        const process = yield* Effect.mapError(launch(command), failed)
        yield* Deferred.succeed(entry.started, process)
        const limit = params.disableTimeout === true ? null : (params.timeoutMs ?? DefaultTimeoutMs)
        const { exitCode } = yield* output.follow(process, exitWithin(process, limit))
        return { exitCode, stdout: output.stdout.text, stderr: output.stderr.text }
      })
      return yield* Effect.onExit(Scope.provide(run, scope), () => Scope.close(scope, Exit.void))
    })

    const done = {}
    return {
      "command/exec": exec,
      "command/exec/write": ({ processId, ...input }, { connection }) =>
        Effect.as(table.write(connection, processId, input), done),
      "command/exec/terminate": ({ processId }, { connection }) => Effect.as(table.kill(connection, processId), done),
      "command/exec/resize": ({ processId, size }, { connection }) =>
        Effect.as(table.resize(connection, processId, size), done)
    }
  })
