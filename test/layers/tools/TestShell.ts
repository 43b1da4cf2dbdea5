import { assert } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { open } from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import * as None from "../../../src/layers/sandboxes/None.ts"
import * as FileExecRules from "../../../src/layers/tools/shell/FileExecRules.ts"
import * as Shell from "../../../src/layers/tools/Shell.ts"
import { defaults, type EffectiveConfig } from "../../../src/services/config/Config.ts"
import { ExecRules } from "../../../src/services/tool/ExecRules.ts"
import { ShellSessions } from "../../../src/services/tool/ShellSessions.ts"
import type { Tool, ToolTurn } from "../../../src/services/tool/Tool.ts"
import type * as TestTurn from "./TestTurn.ts"

export const toolsWith = (options: Shell.Options) =>
  Shell.sessionsWith(options).pipe(
    Layer.provide(None.layer),
    Layer.provideMerge(FileExecRules.layerMemory()),
    Layer.provide(NodeSmallFiles.layer)
  )

export const tools = toolsWith({})

/** The output of a tool as text. */
export interface Output {
  readonly text: string
  readonly success: boolean
}

/** The shell of a new thread. The thread and the layers end with the scope. */
export const shellWith = (layer: typeof tools, config: Partial<EffectiveConfig> = {}) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(layer)
    const effective = { ...defaults(), ...config }
    const rules = yield* Context.get(context, ExecRules).open(effective)
    return yield* Context.get(context, ShellSessions).open({ threadId: "thread-1", config: effective, rules })
  })

/** The two tools of a new thread. The thread and the layers end with the scope. */
export const openedWith = (layer: typeof tools, config: Partial<EffectiveConfig> = {}) =>
  Effect.gen(function* () {
    const { tools } = yield* shellWith(layer, config)
    const [exec, write] = tools
    assert(exec !== undefined && write !== undefined)
    return {
      exec: (args: unknown, turn: ToolTurn, callId = "call-1") => call(exec, args, turn, callId),
      write: (args: unknown, turn: ToolTurn) => call(write, args, turn, "call-w")
    }
  })

export const opened = openedWith(tools)

const call = (tool: Tool, args: unknown, turn: ToolTurn, callId: string) => {
  const input = typeof args === "string" ? args : JSON.stringify(args)
  return Effect.map(
    tool.run({ callId, name: tool.spec.name, namespace: null, input }, turn),
    ({ content, success }): Output => ({
      text: content.map((part) => (part.type === "text" ? part.text : `not text: ${part.type}`)).join(),
      success
    })
  )
}

export const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-shell-")))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

/** Named pipes are the signals between a test and its commands: opening one waits for the other side. */
export const pipes = (...names: ReadonlyArray<string>) =>
  Effect.map(directory, (cwd) => {
    for (const name of names) execFileSync("mkfifo", [Path.join(cwd, name)])
    return {
      cwd,
      /** Waits until a command reads from the pipe, and releases it. */
      release: (name: string) =>
        Effect.promise(async () => {
          const file = await open(Path.join(cwd, name), "w")
          await file.close()
        }),
      /** Waits until no process has the pipe open for writing. */
      closed: (name: string) =>
        Effect.promise(async () => {
          const file = await open(Path.join(cwd, name), "r")
          await file.readFile()
          await file.close()
        })
    }
  })

export const shown = (cmd: string, fields: Partial<TestTurn.CommandItem> = {}): TestTurn.CommandItem => ({
  type: "commandExecution",
  id: "call-1",
  pluginId: null,
  scriptPath: null,
  command: `/bin/sh -lc '${cmd}'`,
  cwd: "/",
  processId: null,
  source: "unifiedExecStartup",
  status: "inProgress",
  commandActions: [{ type: "unknown", command: cmd }],
  aggregatedOutput: null,
  exitCode: null,
  durationMs: null,
  ...fields
})

/** Removes the parts of the text that differ between runs. */
export const facts = (output: Output): Output => ({
  success: output.success,
  text: output.text
    .replace(/^Chunk ID: [0-9a-f]{6}\n/, "Chunk ID: #\n")
    .replace(/Wall time: \d+\.\d{4} seconds/, "Wall time: # seconds")
    .replace(/session ID \d+/, "session ID #")
})

export const done = (exitCode: number, tokens: number, text: string): Output => ({
  success: exitCode === 0,
  text: `Chunk ID: #\nWall time: # seconds\nProcess exited with code ${exitCode}\nOriginal token count: ${tokens}\nOutput:\n${text}`
})

export const running = (tokens: number, text: string): Output => ({
  success: true,
  text: `Chunk ID: #\nWall time: # seconds\nProcess running with session ID #\nOriginal token count: ${tokens}\nOutput:\n${text}`
})

export const sessionOf = (output: Output): number => Number(/session ID (\d+)/.exec(output.text)?.[1])

/** The items, with the process id taken from the item itself, because it is random. */
export const items = (published: ReadonlyArray<TestTurn.Published>): ReadonlyArray<unknown> =>
  published.map((entry) => {
    if (!("item" in entry) || entry.item.type !== "commandExecution") return entry
    const { processId, durationMs, ...item } = entry.item
    return {
      type: entry.type,
      item: { ...item, processId: processId === null ? null : "#", durationMs: durationMs === null ? null : 0 }
    }
  })
