/**
 * The tools with which a model uses sub-agents: the namespace `multi_agent_v1`.
 *
 * Names, parameters and results are those of the release. A thread that is as deep as agents may be has none of them. The work
 * of the calls is loaded with the first one.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { limitsOf } from "../../services/thread/agent/AgentTree.ts"
import type { Tool, ToolSpec } from "../../services/tool/Tool.ts"
import type { ToolThread } from "../../services/tool/Toolset.ts"
import type * as Calls from "./agents/AgentCalls.ts"

const namespace = { name: "multi_agent_v1", description: "Start sub-agents and work with them." }

type Properties = Readonly<Record<string, unknown>>

const spec = (
  name: string,
  description: string,
  properties: Properties,
  required: ReadonlyArray<string> = []
): ToolSpec => ({
  type: "function",
  name,
  namespace,
  description,
  strict: false,
  parameters: {
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false
  }
})

const string = (description: string) => ({ type: "string", description })

const target = string("The id of the agent, from spawn_agent.")

const items = {
  type: "array",
  description: "The message in parts. Give either message or items.",
  items: {
    type: "object",
    properties: {
      type: string("text, image, local_image, skill or mention."),
      text: string("The text of a part of type text."),
      image_url: string("The URL of a part of type image; data URLs are possible."),
      path: string("The path of a local_image, a skill or a mention."),
      name: string("The name of a skill or a mention."),
      audio_url: string("The URL of a part of type audio, which is not supported.")
    },
    additionalProperties: false
  }
}

const closeAgent = spec(
  "close_agent",
  "Ends an agent and the agents that it has started, and returns its status before. An open agent counts towards the limit " +
    "even when it has finished: close those that you do not need any more.",
  { target },
  ["target"]
)

const resumeAgent = spec(
  "resume_agent",
  "Opens a closed agent again, with its conversation, so that it takes input.",
  { id: target },
  ["id"]
)

const sendInput = spec(
  "send_input",
  "Sends a message to an agent. A running agent reads it after its current step; a finished one starts to work again. Use it " +
    "for a task that builds on what the agent already knows.",
  {
    target,
    message: string("The message as text. Give either message or items."),
    items,
    interrupt: { type: "boolean", description: "True ends the agent's current work first. Default: false." }
  },
  ["target"]
)

const spawnAgent = spec(
  "spawn_agent",
  "Starts an agent that works on a task of its own, beside you and in the same folder, and returns its id. Use it only when " +
    "the user, or instructions such as AGENTS.md, ask for agents or for work in parallel; a hard task alone is no reason. " +
    "Give an agent a task that is complete in itself, says which files it may change, and says what it must report. Do not " +
    "give two agents the same files. Do work yourself when your next step depends on it. The agent has your model, policies " +
    "and sandbox; set model only when the user names one. You get a message when the agent has finished.",
  {
    message: string("The task as text. Give either message or items."),
    items,
    fork_context: {
      type: "boolean",
      description: "True gives the agent the messages of this conversation. Default: false, it knows only the task."
    },
    model: string("Another model for the agent."),
    reasoning_effort: string("Another reasoning effort for the agent.")
  }
)

const waitAgent = spec(
  "wait_agent",
  "Waits until one of the agents has finished, and returns the status and the last message of those that have. The status is " +
    "empty when the time is over first. Call it only when you cannot go on without the result.",
  {
    targets: { type: "array", items: { type: "string" }, description: "The ids of the agents." },
    timeout_ms: {
      type: "number",
      description: "How long to wait in milliseconds: 10000 to 3600000. Default: 30000. Prefer minutes."
    }
  },
  ["targets"]
)

const toolOf = (spec: ToolSpec, run: (calls: typeof Calls) => Tool["run"]): Tool => ({
  spec,
  features: ["multi_agent"],
  publishesItems: true,
  // Models of the catalogue find these tools by themselves.
  offered: ({ model }) => (model.isKnown ? undefined : spec),
  run: (call, turn) =>
    Effect.flatMap(
      Effect.promise(() => import("./agents/AgentCalls.ts")),
      (calls) => run(calls)(call, turn)
    )
})

const all: ReadonlyArray<Tool> = [
  toolOf(closeAgent, ({ closeAgent }) => closeAgent),
  toolOf(resumeAgent, ({ resumeAgent }) => resumeAgent),
  toolOf(sendInput, ({ sendInput }) => sendInput),
  toolOf(spawnAgent, ({ spawnAgent }) => spawnAgent),
  toolOf(waitAgent, ({ waitAgent }) => waitAgent)
]

/** The tools of a thread. */
export const tools = ({ config, depth }: ToolThread): ReadonlyArray<Tool> => (depth < limitsOf(config).depth ? all : [])
