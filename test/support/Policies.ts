/**
 * A server on a machine with an organisation's requirements, and a tool that records the active policies.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { ParamsInputOf } from "../../src/protocol/Methods.ts"
import type { AskForApproval, SandboxPolicy } from "../../src/protocol/v2/thread/Settings.ts"
import { RequestError } from "../../src/services/routing/RequestError.ts"
import type { ThreadStore } from "../../src/services/thread/ThreadStore.ts"
import { text, type Tool } from "../../src/services/tool/Tool.ts"
import { failure } from "./Configs.ts"
import { cwd, makeServer, userInput } from "./Server.ts"

export type Start = ParamsInputOf<"thread/start">
export type Turn = Omit<ParamsInputOf<"turn/start">, "threadId" | "input">

export interface InForce {
  readonly approvalPolicy: AskForApproval
  readonly sandboxPolicy: SandboxPolicy
}

export const inForce = ({ approvalPolicy, sandboxPolicy }: InForce): InForce => ({ approvalPolicy, sandboxPolicy })

/** A tool that records the policies of its turns. */
const witness = () => {
  const seen: Array<InForce> = []
  const tool: Tool = {
    spec: { type: "function", name: "look", description: "look", parameters: { type: "object" }, strict: false },
    run: (_call, turn) =>
      Effect.sync(() => {
        seen.push(inForce(turn))
        return text("seen")
      })
  }
  return { seen, tool }
}

/** The path of the requirements, as in the texts of `refused` and `said`. */
export const requirementsFile = "/etc/codex/requirements.toml"

/** A server on a machine with requirements, with a client and the recording tool. */
export const policyServer = Effect.fnUntraced(function* (
  requirements: string,
  options: { readonly config?: string; readonly store?: Layer.Layer<ThreadStore> } = {}
) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-policies-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const file = join(folder, "requirements.toml")
  const withRealPath = (text: string): string => text.replaceAll(file, requirementsFile)
  /** Replaces the file with a new one, so that its stamp changes even within a clock tick. */
  const demand = (text: string): void => {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
  demand(requirements)
  const home = join(folder, "home")
  mkdirSync(home)
  writeFileSync(join(home, "config.toml"), options.config ?? "")
  const { seen, tool } = witness()
  const server = yield* makeServer({
    home,
    loader: {
      systemConfigFile: join(folder, "config.toml"),
      managedConfigFile: join(folder, "managed_config.toml"),
      requirementsFile: file
    },
    toolbox: [tool],
    ...(options.store === undefined ? {} : { store: options.store })
  })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  /** Starts a thread. Returns the policies of its tools, and the warnings to the client. */
  const start = Effect.fnUntraced(function* (params: Start) {
    const answer = yield* client.request("thread/start", { cwd, ...params })
    return { threadId: answer.thread.id, profile: answer.activePermissionProfile?.id ?? null, answer }
  })
  /** Runs a turn whose model calls the recording tool. Returns the recorded policies. */
  const turn = Effect.fnUntraced(function* (threadId: string, params: Turn = {}) {
    yield* client.request("turn/start", { threadId, input: userInput("look"), ...params })
    yield* server.model.call(["look", "c1"])
    yield* server.model.reply("done")
    yield* client.notified("turn/completed")
    return seen.at(-1)
  })
  const refused = (threadId: string, params: Turn) =>
    Effect.map(failure(client.request("turn/start", { threadId, input: userInput("look"), ...params })), (error) =>
      error instanceof RequestError ? withRealPath(error.message) : error
    )
  return { client, demand, refused, withRealPath, seen, server, start, turn }
})
