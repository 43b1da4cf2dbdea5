/**
 * The small tools of a turn: its plan, questions to the user, images, the client's own tools, and the web search of the model
 * server. Each is loaded with its first call.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DynamicToolSpec } from "../../protocol/v2/thread/Requests.ts"
import type { Tool, ToolNamespace, ToolSpec } from "../../services/tool/Tool.ts"
import { Toolset, type ToolThread } from "../../services/tool/Toolset.ts"
import * as Agents from "./Agents.ts"
import * as Specs from "./turn/Specs.ts"
import * as Goals from "./Goals.ts"
import * as WebSearch from "./turn/WebSearch.ts"

/** A tool whose code is loaded with its first call. It publishes its own items, or has none. */
const loaded = (spec: ToolSpec, load: () => Promise<Tool["run"]>): Tool => ({
  spec,
  publishesItems: true,
  run: (call, turn) => Effect.flatMap(Effect.promise(load), (run) => run(call, turn))
})

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether `tools.<name>.enabled` has this value. */
const isSet = ({ config }: ToolThread, name: string, enabled: boolean): boolean => {
  const tools = config.settings["tools"]
  const section = isTable(tools) ? tools[name] : undefined
  return isTable(section) && section["enabled"] === enabled
}

const updatePlan = loaded(Specs.updatePlan, async () => (await import("./turn/UpdatePlan.ts")).run)

const requestUserInput: Tool = {
  ...loaded(Specs.requestUserInput, async () => (await import("./turn/RequestUserInput.ts")).run),
  asksFirst: true
}

const viewImage = ({ files }: ToolThread): Tool =>
  loaded(Specs.viewImage, async () => (await import("./turn/ViewImage.ts")).runWith(files))

type DynamicFunction = Exclude<DynamicToolSpec, { readonly type: "namespace" }>

/** A tool of the client. A deferred one is not declared to the model; its calls are served. */
const dynamicTool = (
  { deferLoading, description, inputSchema, name }: DynamicFunction,
  namespace?: ToolNamespace
): Tool => {
  const parameters = isTable(inputSchema) ? inputSchema : {}
  const group = namespace === undefined ? {} : { namespace }
  const spec: ToolSpec = { type: "function", name, ...group, description, strict: false, parameters }
  return {
    ...loaded(spec, async () => (await import("./turn/DynamicTools.ts")).run),
    ...(deferLoading === true ? { offered: () => undefined } : {})
  }
}

const dynamicTools = ({ dynamicTools }: ToolThread): ReadonlyArray<Tool> =>
  dynamicTools.flatMap((spec) => {
    if (spec.type !== "namespace") return [dynamicTool(spec)]
    const { description, name, tools } = spec
    return tools.map((tool) => dynamicTool(tool, { name, description }))
  })

/** The tools of every thread. They are added in one step, before the first turn begins. */
export const layer: Layer.Layer<Toolset> = Layer.succeed(
  Toolset,
  Toolset.of({
    open: (thread) =>
      thread.registry.add([
        ...(isSet(thread, "update_plan", true) ? [updatePlan] : []),
        ...(isSet(thread, "experimental_request_user_input", false) ? [] : [requestUserInput]),
        viewImage(thread),
        ...Agents.tools(thread),
        ...dynamicTools(thread),
        ...Goals.tools,
        WebSearch.tool(thread.config)
      ])
  })
)
