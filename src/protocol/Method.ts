/**
 * How a method is declared. The tables built from these declarations are the only definition of the messages on a
 * connection: the typed client, the decoder, the scheduler, the router's delivery and the docs read them.
 *
 * @module
 */
import type { Lazy, Of, WireSchema } from "./Lazy.ts"

/** Experimental methods and fields need `capabilities.experimentalApi` in initialize. */
export type Stability = "stable" | "experimental"

/**
 * Which requests wait for each other. Requests with the same key run first in, first out; adjacent `shared` requests run
 * concurrently. Thread keys apply across connections, the keys of what a client owns on its connection only.
 */
export type Schedule<Params> =
  | { readonly _tag: "Concurrent" }
  | { readonly _tag: "Global"; readonly name: string; readonly shared: boolean }
  | {
      readonly _tag: "Thread"
      /** The thread of a request. */
      readonly threadId: (params: Params) => string
      readonly shared: boolean
    }
  | {
      readonly _tag: "Owned"
      /** What the client owns: watches, processes, searches. */
      readonly name: string
      /** The id that the client chose. It is unique on its connection. */
      readonly id: (params: Params) => string
      readonly shared: false
    }

/**
 * A client request. `params` is `undefined` for methods without parameters, and accepts null where they are optional. Its
 * stability is in `ReleasedRequests.ts`.
 */
export interface ClientRequest<Params extends WireSchema | undefined, Result extends WireSchema> {
  readonly kind: "clientRequest"
  readonly params: Params
  readonly result: Result
  readonly schedule: Schedule<ParamsType<Params>>
  /** Top-level parameters that need the experimental capability, in the order in which they are checked. */
  readonly experimentalFields: ReadonlyArray<ExperimentalField>
}

/**
 * A parameter that needs the experimental capability when it is used. Given by name alone, any value except null uses it.
 * With `unused`, the listed values do not count as use; the list must contain null. With `variant`, only an object with that
 * key counts as use, and the error names it by `descriptor`, as in `askForApproval.granular`.
 */
export type ExperimentalField =
  | string
  | { readonly field: string; readonly unused: ReadonlyArray<unknown> }
  | { readonly field: string; readonly variant: string; readonly descriptor: string }

/**
 * What happens when a connection has no room for a notification. `lossless`: the producing thread waits. `latest`: the
 * newest value per key replaces the older one. `bestEffort`: the notification is dropped and counted, and one `Lagged`
 * precedes the next event.
 */
export type Tier = "lossless" | "latest" | "bestEffort"

/**
 * The receivers of a notification: the subscribers of its thread, every initialized connection, or those that the sender
 * chooses, usually the one connection that caused it.
 */
export type Reach = "subscribers" | "everyone" | "chosen"

/** A notification of the server, and how it is delivered. */
export interface ServerNotification<Params extends WireSchema> {
  readonly kind: "serverNotification"
  readonly params: Params
  readonly stability: Stability
  readonly tier: Tier
  readonly reach: Reach
  /** `latest` only: notifications with equal keys replace each other. Default: one key per method and thread. */
  readonly key?: (params: Of<Params>) => string
}

/** A request of the server, which clients answer. */
export interface ServerRequest<Params extends WireSchema, Result extends WireSchema> {
  readonly kind: "serverRequest"
  readonly params: Params
  readonly result: Result
  readonly stability: Stability
  /** When the connection is full, the request fails in the server, so the server never waits for it indefinitely. */
  readonly tier: "failBack"
  /** Removed for connections without the experimental capability. */
  readonly experimentalFields: ReadonlyArray<string>
}

/** The decoded parameters; `undefined` for a method without parameters. */
export type ParamsType<P extends WireSchema | undefined> = P extends WireSchema ? Of<P> : undefined

/** The parameters as a caller passes them; members with a default are optional. */
export type ParamsInput<P extends WireSchema | undefined> = P extends WireSchema ? ReturnType<P>["Encoded"] : undefined

interface ClientRequestOptions<Params extends WireSchema | undefined, Result extends WireSchema> {
  readonly params: Params
  readonly result: Result
  readonly schedule?: Schedule<ParamsType<Params>>
  readonly experimentalFields?: ReadonlyArray<ExperimentalField>
}

/** Declares a client request. Default: stable fields, and no order among requests. */
export const clientRequest = <Params extends WireSchema | undefined, Result extends WireSchema>(
  options: ClientRequestOptions<Params, Result>
): ClientRequest<Params, Result> => ({
  kind: "clientRequest",
  params: options.params,
  result: options.result,
  schedule: options.schedule ?? concurrent,
  experimentalFields: options.experimentalFields ?? []
})

/** Declares a notification of the server. */
export const serverNotification = <Params extends WireSchema>(options: {
  readonly params: Params
  readonly tier: Tier
  readonly reach: Reach
  /** Default: stable. */
  readonly stability?: Stability
  /** As in `ServerNotification`. */
  readonly key?: (params: Of<Params>) => string
}): ServerNotification<Params> => ({ kind: "serverNotification", stability: "stable", ...options })

/** Declares a request of the server. */
export const serverRequest = <Params extends WireSchema, Result extends WireSchema>(options: {
  readonly params: Params
  readonly result: Result
  /** Default: stable. */
  readonly stability?: Stability
  /** As in `ServerRequest`. Default: none. */
  readonly experimentalFields?: ReadonlyArray<string>
}): ServerRequest<Params, Result> => ({
  kind: "serverRequest",
  tier: "failBack",
  stability: options.stability ?? "stable",
  experimentalFields: options.experimentalFields ?? [],
  params: options.params,
  result: options.result
})

/** Runs immediately, concurrently with everything else. */
export const concurrent: Schedule<unknown> = { _tag: "Concurrent" }

/** One request at a time per thread. */
export const perThread: Schedule<{ readonly threadId: string }> = {
  _tag: "Thread",
  threadId: (params) => params.threadId,
  shared: false
}

/** Concurrent with other readers of the thread, after earlier requests that change it. */
export const perThreadShared: Schedule<{ readonly threadId: string }> = { ...perThread, shared: true }

/** One request at a time per id of a connection. */
export const owned = <Params>(name: string, id: (params: Params) => string): Schedule<Params> => ({
  _tag: "Owned",
  name,
  id,
  shared: false
})

/** One writer at a time; `shared` readers run concurrently. */
export const global = (name: string, options: { readonly shared: boolean }): Schedule<unknown> => ({
  _tag: "Global",
  name,
  shared: options.shared
})

export type { Lazy, Of, WireSchema }
