/**
 * What can be decided about a parameter, and the decisions that several methods share.
 *
 * @module
 */
import type { TurnEnvironmentParams } from "../../protocol/v2/thread/Environment.ts"
import type { UserInput } from "../../protocol/v2/turn/UserInput.ts"
import type { ClientRequestMethod, ParamsOf } from "../../protocol/Methods.ts"

/**
 * `used`: it is supported. `ignored`: without it the result would be the same, for the given reason. `refused`: a client
 * that relies on it would get a wrong result. `warned`: the request is executed without it, and the client gets a warning.
 * `conditional`: depends on its value.
 */
export type Decision<Value> =
  | { readonly decision: "used" }
  | { readonly decision: "ignored"; readonly reason: string }
  | { readonly decision: "refused" }
  | { readonly decision: "warned"; readonly consequence: string }
  | {
      readonly decision: "conditional"
      /** The error text for a value that is refused. */
      readonly refusal?: (value: Value) => string | undefined
      /** The warning for a value without effect. */
      readonly consequence?: (value: Value) => string | undefined
    }

export const used = { decision: "used" } as const
export const refused = { decision: "refused" } as const
export const ignored = (reason: string) => ({ decision: "ignored", reason }) as const
export const warned = (consequence: string) => ({ decision: "warned", consequence }) as const

export const reviewer = {
  decision: "conditional",
  consequence: (value: string) =>
    value === "user" ? undefined : "There is no automatic reviewer: approval requests go to the user."
} as const

export const tier = warned("The service tier is stored and reported, but not sent to the model server.")
export const personality = ignored("It is stored and reported. No current model has a style for it.")
export const agents = ignored("There are no sub-agents to start; the release always reports `explicitRequestOnly`.")

export const environments = {
  decision: "conditional",
  refusal: (value: ReadonlyArray<TurnEnvironmentParams>) => {
    const unknown = value.find(({ environmentId }) => environmentId !== "local")
    if (unknown !== undefined)
      return `unknown turn environment id \`${unknown.environmentId.slice(0, MaxEnvironmentId)}\``
    return value.length > 1 ? "this server has only the environment `local`; list it once" : undefined
  }
} as const

/** Maximum number of characters of a client's text in an error. */
const MaxEnvironmentId = 128

export const input = {
  decision: "conditional",
  refusal: (parts: ReadonlyArray<UserInput>) => {
    const part = parts.find(({ type }) => type === "audio" || type === "localAudio")
    if (part !== undefined) return `input of type \`${part.type}\` is not supported by this server yet`
    return parts.some((part) => part.type === "image" && "fileId" in part)
      ? "input of type `image` with a `fileId` is not supported by this server yet; use a `url`"
      : undefined
  },
  consequence: (parts: ReadonlyArray<UserInput>) => {
    const part = parts.find(({ type }) => type === "skill" || type === "mention")
    return part === undefined
      ? undefined
      : `Input of type \`${part.type}\` is shown, but the model does not receive the skill or app: this server has none.`
  }
} as const

/** A decision about every parameter of every served method. */
export type Decisions = {
  readonly [M in ClientRequestMethod]: {
    readonly [P in keyof NonNullable<ParamsOf<M>>]-?: Decision<NonNullable<NonNullable<ParamsOf<M>>[P]>>
  }
}
