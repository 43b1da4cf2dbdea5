/**
 * The thread of a run: a new one, or a stored one that the user names.
 *
 * Owns how a stored thread is found: by its id, by its name, or as the last one. Does not own the turn (Exec).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import process from "node:process"
import type { ParamsInputOf, ResultOf } from "../../protocol/Methods.ts"
import type { SandboxMode } from "../../protocol/v2/thread/Settings.ts"
import type { AppServerClient, ClientError } from "../../services/client/AppServerClient.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { plain } from "../console/ShownText.ts"
import type { Permissions } from "./ExecFlags.ts"
import { foldersOf, onlyOne } from "./StoredThreads.ts"

/** Which stored thread a run continues: `target` is an id or a name; null is the last one. `all`: of every folder. */
export interface Resume {
  readonly target: string | null
  readonly all: boolean
}

/** The settings of the thread of a run. */
export interface ThreadTask {
  /** Null starts a new thread. */
  readonly resume: Resume | null
  readonly model: string | null
  readonly sandbox: SandboxMode | null
  readonly approval: Permissions["approval"]
  /** A model server of this machine: its name, or `default` for the one that the configuration names. */
  readonly local: "default" | "lmstudio" | "ollama" | null
  /** Keeps the thread in memory only. */
  readonly ephemeral: boolean
  /** Absolute; null is the working directory. */
  readonly cwd: string | null
  readonly threadSource: string | null
}

/** The thread to continue cannot be determined. */
export class ResumeError extends Schema.TaggedError<ResumeError>()("ResumeError", { message: Schema.String }) {}

type Client = AppServerClient["Service"]

export type Opened = ResultOf<"thread/start">

/** The default models of local model servers, as in the release. */
const localModels = { lmstudio: "openai/gpt-oss-20b", ollama: "gpt-oss:20b" } as const

/** The requested local model server and its model. `--model` takes precedence over the server's default model. */
const localModel = Effect.fnUntraced(function* (client: Client, { local, model }: ThreadTask) {
  if (local === null) return { model }
  const { config } = yield* client.request("config/read", {})
  const configured = Reflect.get(config, "oss_provider")
  const modelProvider = local !== "default" ? local : configured === "lmstudio" ? "lmstudio" : "ollama"
  return { modelProvider, model: model ?? localModels[modelProvider] }
})

const isId = (target: string): boolean => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(target)

/** The programs whose threads can be continued: every kind but sub-agents. */
const sourceKinds = ["cli", "vscode", "exec", "appServer", "unknown"] as const

/** Limit on the threads of a name search. */
const MaxSearched = 100

type Filter = ParamsInputOf<"thread/list">

/** Why nothing is found in a store that loses its threads. */
const Lost = "Threads are kept in memory here: they end with the process that started them."

/** The id of the thread to continue. */
const targetOf = Effect.fnUntraced(function* (client: Client, { all, target }: Resume, cwd: string | null) {
  if (target !== null && isId(target)) return target
  const place = all ? "" : " of this folder; --all looks in every folder"
  const filter: Filter = {
    sourceKinds: [...sourceKinds],
    modelProviders: [],
    sortKey: "updated_at",
    cwd: all ? null : [...foldersOf(cwd ?? process.cwd())]
  }
  if (target === null) {
    const { data } = yield* client.request("thread/list", { ...filter, limit: 1 })
    return data[0]?.id ?? (yield* new ResumeError({ message: `There is no thread to continue${place}.` }))
  }
  const { data } = yield* client.request("thread/list", { ...filter, limit: MaxSearched, searchTerm: target })
  const shown = plain(target)
  const ids = data.filter(({ name }) => name === target).map(({ id }) => id)
  return yield* onlyOne(ids, {
    none: `There is no thread with the id or the name \`${shown}\`${place}.`,
    several: `Several threads are named \`${shown}\`.`
  }).pipe(Effect.mapError((message) => new ResumeError({ message })))
})

const explained = (error: ClientError | ResumeError): ClientError | ResumeError => {
  if (error._tag === "ResumeError") return new ResumeError({ message: `${error.message}\n${Lost}` })
  // The text of the release for a thread that is not stored.
  const isMissing = error._tag === "ServerError" && error.detail.startsWith("no rollout found")
  return isMissing ? new ResumeError({ message: `${error.detail}\n${Lost}` }) : error
}

/** Opens the thread of the run. */
export const open = Effect.fnUntraced(function* (
  client: Client,
  task: ThreadTask
): Effect.fn.Return<Opened, ClientError | ResumeError, Threads> {
  const settings = {
    ...(yield* localModel(client, task)),
    cwd: task.cwd,
    sandbox: task.sandbox,
    approvalPolicy: task.approval
  }
  const { ephemeral, resume, threadSource } = task
  if (resume === null) return yield* client.request("thread/start", { ...settings, threadSource, ephemeral })
  const { volatile } = yield* Threads
  return yield* targetOf(client, resume, task.cwd).pipe(
    Effect.flatMap((threadId) => client.request("thread/resume", { ...settings, threadId, excludeTurns: true })),
    Effect.catch((error) => Effect.flatMap(volatile, (isLost) => Effect.fail(isLost ? explained(error) : error)))
  )
})
