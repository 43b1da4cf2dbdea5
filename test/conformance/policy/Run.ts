/**
 * Runs cases on a server program, and records the outcome of each.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { basename, dirname, join } from "node:path"
import process from "node:process"
import { type Case, type Files, placed, placedAll, type Places, type World } from "./Case.ts"
import { obstacle, within } from "./Namespace.ts"
import { connect, type Fields, type Message, type Peer } from "./Peer.ts"
import * as Script from "./Script.ts"

/** The settings that a thread reports. */
export interface Settings {
  readonly approvalPolicy: unknown
  readonly sandbox: unknown
}

/** The recorded outcome of a case. */
export interface Outcome {
  /** The error response to a request. */
  readonly error?: string
  /** In force when the compared turn ended. */
  readonly settings?: Settings
  /** The number of approval requests in the compared turn, without those to repeat a command. */
  readonly asked: number
  /** Whether a client was asked to repeat, outside of the sandbox, a command that had run in it. */
  readonly repeatable?: boolean
  /** The item of the command. */
  readonly item?: { readonly status: string; readonly exitCode: number | null; readonly output: string }
  /** The output that the model received for its call. */
  readonly toolOutput?: string
  /** How the turn ended. */
  readonly turn?: string
  /** Whether the command created its mark outside of the sandbox, by the end of the server. */
  readonly marked: boolean
}

/** The command of the server under test. */
export type Subject = readonly [string, ...ReadonlyArray<string>]

/** A case with system files needs a private view of the file system; where none can be created, such cases run without. */
const hindrance = obstacle()

/** Time limit of a turn before the case is abandoned. No result depends on it. */
const patience = "2 minutes"

const write = (folder: string, files: Files): void => {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    if (text.startsWith("#!")) chmodSync(file, 0o755)
  }
}

/** Outside the temporary folder: every workspace sandbox makes that one writable. */
const scratch = Effect.acquireRelease(
  Effect.sync(() => {
    const below = join(homedir(), ".cache", "spindle-matrix")
    mkdirSync(below, { recursive: true })
    return mkdtempSync(join(below, "run-"))
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
)

const placesOf = (root: string, index: number, step: number): Places => ({
  root,
  work: join(root, "work", `c${index}`),
  mark: join(root, "marks", `m${index}-${step}-mark`)
})

const trust = (cases: ReadonlyArray<Case>, root: string): string =>
  cases
    .flatMap(({ project }, index) =>
      project?.trust === undefined
        ? []
        : `[projects."${placesOf(root, index, 0).work}"]\ntrust_level = "${project.trust}"\n`
    )
    .join("\n")

const free = `approval_policy = "never"\nsandbox_mode = "danger-full-access"\n`

/** The configuration with the test's model. */
const configuration = (url: string, { config = free, tables = "" }: World): string => `${config}
model = "gpt-5.5"
model_provider = "mock"

[model_providers.mock]
name = "mock"
base_url = "${url}"
wire_api = "responses"
env_key = "MOCK_KEY"
request_max_retries = 0
stream_max_retries = 0

${tables}
`

/** Creates a home, and a folder for each case. */
const furnish = (root: string, url: string, world: World, cases: ReadonlyArray<Case>): void => {
  const places = placesOf(root, 0, 0)
  const config = configuration(url, world) + trust(cases, root)
  for (const folder of ["marks", "work", "etc/codex", "home"]) mkdirSync(join(root, folder), { recursive: true })
  write(join(root, "home"), placedAll({ "config.toml": config, ...world.home }, places))
  write(join(root, "etc", "codex"), placedAll(world.system ?? {}, places))
  for (const [index, { project }] of cases.entries()) {
    const at = placesOf(root, index, 0)
    mkdirSync(at.work)
    write(at.work, placedAll(project?.files ?? {}, at))
  }
}

/** The variables that a program needs to run, without network access. */
const environment = (root: string, world: World): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: join(root, "home"),
  CODEX_HOME: join(root, "home"),
  SPINDLE_HOME: join(root, "home"),
  MOCK_KEY: "canary-MOCK_KEY",
  RUST_LOG: "error",
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1,localhost",
  ...world.environment
})

const approvals: ReadonlySet<string> = new Set([
  "item/commandExecution/requestApproval",
  "item/fileChange/requestApproval",
  "item/permissions/requestApproval"
])

/** The release asks so for some of the commands that fail in its sandbox; which ones depends on how soon they end. */
const RepeatReason = "command failed; retry without sandbox?"

const settingsOf = (fields: Fields): Settings => ({
  approvalPolicy: fields["approvalPolicy"],
  sandbox: fields["sandbox"] ?? fields["sandboxPolicy"]
})

interface Seen {
  settings?: Settings
  asked: number
  repeatable?: boolean
  item?: NonNullable<Outcome["item"]>
  turn?: string
}

/** Records a message about a thread. */
const note = (seen: Seen, { method, params }: Message): void => {
  if (method === "thread/settings/updated") seen.settings = settingsOf(params?.["threadSettings"] as Fields)
  if (method === "item/completed") {
    const item = params?.["item"] as Fields
    if (item["type"] !== "commandExecution") return
    const exitCode = typeof item["exitCode"] === "number" ? item["exitCode"] : null
    seen.item = { status: String(item["status"]), exitCode, output: String(item["aggregatedOutput"] ?? "") }
  }
  if (method === "turn/completed") {
    const turn = params?.["turn"] as { readonly status: string; readonly error?: { readonly message: string } | null }
    seen.turn = turn.error ? `${turn.status}: ${turn.error.message}` : turn.status
  }
}

/** Runs a turn to its end; returns the error of a turn that is refused. */
const turn = Effect.fnUntraced(function* (peer: Peer, threadId: string, params: object, decision: unknown, seen: Seen) {
  const { error } = yield* peer.request("turn/start", { threadId, ...params })
  if (error !== undefined) return error.message
  const messages = peer.about(threadId)
  delete seen.turn
  while (seen.turn === undefined) {
    const message = yield* Queue.take(messages)
    note(seen, message)
    if (message.id === undefined || message.method === undefined) continue
    if (message.params?.["reason"] === RepeatReason) seen.repeatable = true
    else if (approvals.has(message.method)) seen.asked += 1
    yield* peer.answer(message.id, { decision })
  }
  return undefined
})

const userInput = (text: string) => ({ input: [{ type: "text", text }] })

const idOf = ({ result }: Message): string => String((result?.["thread"] as Fields | undefined)?.["id"])

/** The thread of a case, or the error response. */
const open = Effect.fnUntraced(function* (peer: Peer, one: Case, places: Places, seen: Seen) {
  const started = yield* peer.request("thread/start", { cwd: places.work, ...placedAll(one.start, places) })
  if (started.error !== undefined || one.continued === undefined) return started
  const threadId = idOf(started)
  yield* turn(peer, threadId, userInput("hello"), "decline", seen)
  return yield* peer.request(one.continued.by, { threadId, ...placedAll(one.continued.params, places) })
})

/** Runs a case. The mark is checked later, when the server has exited. */
const play = Effect.fnUntraced(function* (peer: Peer, script: Script.Script, one: Case, root: string, index: number) {
  let seen: Seen = { asked: 0 }
  const opened = yield* open(peer, one, placesOf(root, index, 0), seen)
  if (opened.error !== undefined) return { error: opened.error.message, asked: 0 }
  const threadId = idOf(opened)
  let settings = settingsOf(opened.result ?? {})
  let key = ""
  for (const [number, step] of one.steps.entries()) {
    const places = placesOf(root, index, number)
    key = script.calls(`call-${index}-${number}`, placedAll(step.call, places))
    seen = { asked: 0 }
    const params = { ...placedAll(step.turn ?? {}, places), ...userInput(key) }
    const error = yield* turn(peer, threadId, params, step.decision ?? "decline", seen)
    settings = seen.settings ?? settings
    if (error !== undefined) return { error, asked: 0, settings }
  }
  const toolOutput = script.toolOutput(key)
  return { ...seen, settings, ...(toolOutput === undefined ? {} : { toolOutput }) }
})

/** Runs the cases of one world on a new server, which exits before they are compared. */
export const run = (subject: Subject, world: World, cases: ReadonlyArray<Case>) =>
  Effect.gen(function* () {
    const root = yield* scratch
    const script = yield* Script.serve
    furnish(root, script.url, world, cases)
    const args = (world.args ?? []).map((text) => placed(text, placesOf(root, 0, 0)))
    const command: Subject = [...subject, ...args]
    const played = yield* Effect.scoped(
      Effect.gen(function* () {
        const peer = yield* connect({
          command: hindrance === undefined ? within(join(root, "etc"), command) : command,
          cwd: join(root, "work"),
          environment: environment(root, world)
        })
        const all = yield* Effect.forEach(
          cases,
          (one, index) =>
            play(peer, script, one, root, index).pipe(
              Effect.timeoutOrElse({
                duration: patience,
                orElse: () => Effect.succeed({ error: "no end of the turn", asked: 0 })
              })
            ),
          { concurrency: 4 }
        )
        yield* Effect.timeoutOption(peer.end, patience)
        return all
      })
    ).pipe(
      Effect.catchTag("Gone", ({ stderr }) =>
        Effect.succeed(cases.map(() => ({ error: `the server ended: ${stderr.trim()}`, asked: 0 })))
      )
    )
    const marks = readdirSync(join(root, "marks"))
    return played.map((outcome, index): Outcome => {
      const last = (cases[index]?.steps.length ?? 1) - 1
      const mark = basename(placesOf(root, index, last).mark)
      return { ...outcome, marked: marks.some((name) => name.startsWith(mark)) }
    })
  }).pipe(Effect.scoped)
