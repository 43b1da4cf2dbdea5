/**
 * `spindle exec`: one turn of the embedded runtime, told to a reporter.
 *
 * Owns the run: the thread it is in, the turn, the answers to what the server asks, and that an interruption ends the turn
 * properly first. Does not own how it is shown (Render, JsonEvents).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type * as Schema from "effect/Schema"
import { Terminal } from "effect/Terminal"
import * as AppServer from "../../layers/AppServer.ts"
import * as InProcessClient from "../../layers/clients/InProcessClient.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ParamsInputOf, ResultOf, ServerRequest } from "../../protocol/Methods.ts"
import type { SandboxMode } from "../../protocol/v2/thread/Settings.ts"
import type { TurnStatus } from "../../protocol/v2/turn/Turn.ts"
import { AppServerClient, type ClientError } from "../../services/client/AppServerClient.ts"
import type { ClientEvent } from "../../services/client/ClientEvent.ts"
import type { ConfigError } from "../../services/config/Config.ts"
import type { InProcessError } from "../../services/connection/InProcess.ts"
import type { ModelError } from "../../services/model/ModelProvider.ts"
import { Version } from "../../services/config/Identity.ts"
import { Threads } from "../../services/thread/Threads.ts"
import * as JsonEvents from "../reporters/JsonReporter.ts"
import { questionOf } from "../reporters/ApprovalPrompt.ts"
import * as Render from "../reporters/TextReporter.ts"
import type { Reporter } from "../reporters/Reporter.ts"
import type { Permissions } from "./ExecFlags.ts"
import * as LastMessage from "./LastMessage.ts"
import { TerminalConsole } from "../console/Console.ts"

/** What a run is to do. */
export interface Task {
  readonly prompt: string
  /** Absolute paths. */
  readonly images: ReadonlyArray<string>
  /** Go on in this thread instead of starting one. */
  readonly resume: string | null
  readonly model: string | null
  readonly sandbox: SandboxMode | null
  readonly approval: Permissions["approval"]
  /** A model server of this machine: its name, or `default` for the one that the configuration names. */
  readonly local: "default" | "lmstudio" | "ollama" | null
  /** Keeps the thread in memory only. */
  readonly ephemeral: boolean
  /** Absolute path of the file that the last message is written to; null for none. */
  readonly lastMessageFile: string | null
  /** Absolute; null is the working directory. */
  readonly cwd: string | null
  /** Absolute folders that are writable besides the workspace. */
  readonly addDirs: ReadonlyArray<string>
  /** JSON Schema of the answer; null for none. */
  readonly outputSchema: Schema.Json
  readonly threadSource: string | null
  readonly cyberAccessProgram: "daybreakBlue" | "daybreakRed" | "standard" | null
  /** Events for programs instead of text for people. */
  readonly json: boolean
}

type Client = AppServerClient["Service"]
type Opened = ResultOf<"thread/start">

/** How a run ends: well, badly, by a signal. */
export const ExitCode = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const

/** A run does not wait for a network for ever: the attempts after 5, 15 and 35 seconds are the last. */
const NetworkPatience = "60 seconds"

/** The most that a turn may take to end once it was interrupted. */
const InterruptDeadline = "3 seconds"

/** The models that local model servers are used with, as in the release. */
const localModels = { lmstudio: "openai/gpt-oss-20b", ollama: "gpt-oss:20b" } as const

/** The model server of this machine that the task asks for. `--model` counts before the usual model of that server. */
const localModel = Effect.fnUntraced(function* (client: Client, { local, model }: Task) {
  if (local === null) return { model }
  const { config } = yield* client.request("config/read", {})
  const configured = Reflect.get(config, "oss_provider")
  const modelProvider = local !== "default" ? local : configured === "lmstudio" ? "lmstudio" : "ollama"
  return { modelProvider, model: model ?? localModels[modelProvider] }
})

const open = Effect.fnUntraced(function* (client: Client, task: Task): Effect.fn.Return<Opened, ClientError> {
  const settings = {
    ...(yield* localModel(client, task)),
    cwd: task.cwd,
    sandbox: task.sandbox,
    approvalPolicy: task.approval
  }
  return task.resume === null
    ? yield* client.request("thread/start", { ...settings, threadSource: task.threadSource, ephemeral: task.ephemeral })
    : yield* client.request("thread/resume", { ...settings, threadId: task.resume, excludeTurns: true })
})

type TurnParams = ParamsInputOf<"turn/start">

/** The further folders only mean something where the workspace is all that may be written. */
const sandboxOf = (thread: Opened, task: Task): Pick<TurnParams, "sandboxPolicy"> =>
  task.addDirs.length > 0 && thread.sandbox.type === "workspaceWrite"
    ? { sandboxPolicy: { ...thread.sandbox, writableRoots: [...thread.sandbox.writableRoots, ...task.addDirs] } }
    : {}

const turnOf = (thread: Opened, task: Task): TurnParams => ({
  threadId: thread.thread.id,
  input: [{ type: "text", text: task.prompt }, ...task.images.map((path) => ({ type: "localImage" as const, path }))],
  ...sandboxOf(thread, task),
  ...(task.outputSchema === null ? {} : { outputSchema: task.outputSchema }),
  ...(task.cyberAccessProgram === null ? {} : { cyberAccessProgram: task.cyberAccessProgram })
})

/** Questions are put to the person; what this program cannot answer is refused, so that the turn goes on. */
const answer = Effect.fnUntraced(function* (client: Client, reporter: Reporter, request: ServerRequest) {
  const question = questionOf(request)
  if (question === undefined) {
    yield* reporter.remark(`The server asked for ${request.method}, which exec cannot answer.`)
    return yield* client.reject(request.id, {
      code: ErrorCode.MethodNotFound,
      message: `${request.method} is not supported by exec`
    })
  }
  yield* client.respond(request.id, { decision: yield* reporter.asked(question) })
})

/** Tells the events of a turn until it has ended; how it ended, or nothing when the server went away. */
const follow = (client: Client, reporter: Reporter): Effect.Effect<TurnStatus | null, ClientError> => {
  const told = (event: ClientEvent): Effect.Effect<TurnStatus | null, ClientError> => {
    switch (event._tag) {
      case "ServerRequest":
        return Effect.andThen(answer(client, reporter, event.request), next)
      case "ServerNotification": {
        const { notification } = event
        const ended = notification.method === "turn/completed" ? notification.params.turn.status : null
        return Effect.andThen(reporter.notified(notification), ended === null ? next : Effect.succeed(ended))
      }
      default:
        return next
    }
  }
  const next: Effect.Effect<TurnStatus | null, ClientError> = Effect.flatMap(
    client.nextEvent,
    Option.match({ onNone: () => Effect.succeed(null), onSome: told })
  )
  return next
}

/** A turn that is cut short still tells its end, for a while. */
const interrupt = Effect.fnUntraced(function* (client: Client, reporter: Reporter, threadId: string) {
  // An empty id stands for whatever turn there is.
  yield* Effect.all([client.request("turn/interrupt", { threadId, turnId: "" }), follow(client, reporter)], {
    concurrency: "unbounded",
    discard: true
  }).pipe(Effect.timeoutOption(InterruptDeadline), Effect.ignore)
})

/** Fails where the thread's model cannot be asked, such as without a key: better than a turn that only fails. */
const checkModel = Effect.fnUntraced(function* (threadId: string) {
  const threads = yield* Threads
  yield* threads.find(threadId)?.ready ?? Effect.void
})

const runTurn = Effect.fnUntraced(function* (reporter: Reporter, task: Task) {
  const client = yield* AppServerClient
  const screen = yield* TerminalConsole
  const thread = yield* open(client, task)
  yield* checkModel(thread.thread.id)
  yield* reporter.opened(thread)
  if (task.addDirs.length > 0 && thread.sandbox.type !== "workspaceWrite") {
    yield* reporter.remark("--add-dir does nothing here: it needs --sandbox workspace-write.")
  }
  const last = task.lastMessageFile === null ? undefined : yield* LastMessage.make(task.lastMessageFile)
  const watched = last === undefined ? reporter : last.watching(reporter)
  const turn = Effect.andThen(client.request("turn/start", turnOf(thread, task)), follow(client, watched)).pipe(
    Effect.onInterrupt(() => interrupt(client, reporter, thread.thread.id))
  )
  const status = yield* Effect.raceFirst(turn, Effect.as(screen.readerGone, null))
  yield* last?.write(reporter) ?? Effect.void
  return status === "completed" ? ExitCode.success : status === "interrupted" ? ExitCode.interrupted : ExitCode.failure
})

type Problem = ClientError | ConfigError | InProcessError | LastMessage.LastMessageError | ModelError

/** The run could not go on. A model that cannot be asked is also an event, as it is in a turn that has begun. */
const failed = (reporter: Reporter, problem: Problem): Effect.Effect<void> => {
  // The server's own words where there are some: the method it failed in does not help the person.
  if (problem._tag === "ServerError") return reporter.failed(problem.detail)
  if (problem._tag !== "ModelError") return reporter.failed(problem.message)
  const message = problem.details ?? problem.message
  const error = { message, codexErrorInfo: problem.info, additionalDetails: null, misalignment: null }
  const event = { method: "error" as const, params: { error, willRetry: false, threadId: "", turnId: "" } }
  return Effect.andThen(reporter.notified(event), reporter.failed(message))
}

/** Runs the task on a server of its own. The exit code. */
export const run = (
  task: Task,
  server: AppServer.AppServerOptions
): Effect.Effect<number, never, FileSystem.FileSystem | Path.Path | TerminalConsole | Terminal> =>
  Effect.gen(function* () {
    const screen = yield* TerminalConsole
    const reporter = task.json ? JsonEvents.make(screen) : yield* Render.make(screen, yield* Terminal)
    const embedded = InProcessClient.layer({
      clientName: "spindle-exec",
      clientVersion: Version,
      experimentalApi: task.cyberAccessProgram !== null,
      ownsServer: true
    }).pipe(Layer.provideMerge(AppServer.layer({ sessionSource: "exec", networkPatience: NetworkPatience, ...server })))
    const code = yield* runTurn(reporter, task).pipe(
      Effect.provide(embedded),
      Effect.catch((error) => Effect.as(failed(reporter, error), ExitCode.failure))
    )
    yield* screen.flush
    return code
  }).pipe(Effect.scoped)
