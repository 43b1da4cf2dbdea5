/**
 * The arguments of the tools for sub-agents, and the messages in them.
 *
 * @module
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { optional } from "../../../protocol/Fields.ts"
import { lazy } from "../../../protocol/Lazy.ts"
import { canonicalId } from "../../../protocol/ThreadIds.ts"
import type { UserInput } from "../../../protocol/v2/turn/UserInput.ts"
import { problemOf } from "../../../services/thread/ThreadId.ts"

/** Maximum number of parts of a message, and of agents in one call. */
const MaxParts = 256

/** Maximum number of characters of an id in an error. */
const MaxEchoed = 128

const text = optional(Schema.String)

const Part = lazy(() => Schema.Struct({ type: Schema.String, text, image_url: text, path: text, name: text }))

const message = lazy(() => ({ message: text, items: optional(Schema.Array(Part())) }))

export const Spawn = lazy(() =>
  Schema.Struct({ ...message(), fork_context: optional(Schema.Boolean), model: text, reasoning_effort: text })
)

export const Send = lazy(() =>
  Schema.Struct({ ...message(), target: Schema.String, interrupt: optional(Schema.Boolean) })
)

export const Wait = lazy(() =>
  Schema.Struct({ targets: optional(Schema.Array(Schema.String)), timeout_ms: optional(Schema.Number) })
)

export const Close = lazy(() => Schema.Struct({ target: Schema.String }))

export const Resume = lazy(() => Schema.Struct({ id: Schema.String }))

/** The id of a thread in its usual form, or the text about what is wrong with it. */
export const idOf = (id: string): Result.Result<string, string> => {
  const problem = problemOf(id)
  return problem === undefined
    ? Result.succeed(canonicalId(id))
    : Result.fail(`invalid agent id ${id.slice(0, MaxEchoed)}: ${problem}`)
}

/** The ids of threads, each once. */
export const idsOf = (ids: ReadonlyArray<string>): Result.Result<ReadonlyArray<string>, string> => {
  if (ids.length === 0) return Result.fail("agent ids must be non-empty")
  if (ids.length > MaxParts) return Result.fail(`at most ${MaxParts} agents can be waited for in one call`)
  return Result.map(Result.all(ids.map(idOf)), (all) => Array.from(new Set(all)))
}

type Part = ReturnType<typeof Part>["Type"]

/** The part as a user would send it; undefined when a member is missing or the type is not supported. */
const partOf = ({ image_url: url, name, path, text, type }: Part): UserInput | undefined => {
  switch (type) {
    case "text":
      return text == null ? undefined : { type, text, text_elements: [] }
    case "image":
      return url == null ? undefined : { type, url }
    case "local_image":
      return path == null ? undefined : { type: "localImage", path }
    case "skill":
    case "mention":
      return path == null || name == null ? undefined : { type, name, path }
    default:
      return undefined
  }
}

const partsOf = (items: ReadonlyArray<Part>): Result.Result<ReadonlyArray<UserInput>, string> => {
  if (items.length === 0) return Result.fail("Items can't be empty")
  if (items.length > MaxParts) return Result.fail(`a message has at most ${MaxParts} items`)
  const input: Array<UserInput> = []
  for (const [index, item] of items.entries()) {
    const part = partOf(item)
    if (part === undefined) {
      return Result.fail(`items[${index}] of type ${item.type.slice(0, MaxEchoed)} is not supported or incomplete`)
    }
    input.push(part)
  }
  return Result.succeed(input)
}

/** The arguments with their message as input of a thread. */
export const withInput = <A extends { readonly message?: string | null; readonly items?: ReadonlyArray<Part> | null }>(
  args: A
): Result.Result<A & { readonly input: ReadonlyArray<UserInput> }, string> => {
  const { items, message } = args
  if (message != null && items != null) return Result.fail("Provide either message or items, but not both")
  if (message == null && items == null) return Result.fail("Provide one of: message or items")
  if (message != null) {
    return message.trim() === ""
      ? Result.fail("Empty message can't be sent to an agent")
      : Result.succeed({ ...args, input: [{ type: "text", text: message, text_elements: [] }] })
  }
  return Result.map(partsOf(items ?? []), (input) => ({ ...args, input }))
}

/** The message for clients: its texts, and a word for every other part. */
export const promptOf = (input: ReadonlyArray<UserInput>): string =>
  input.map((part) => (part.type === "text" ? part.text : "name" in part ? part.name : "[image]")).join("\n")
