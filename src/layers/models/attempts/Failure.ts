/**
 * A failed attempt at an answer, for every kind of model.
 *
 * @module
 */
import type { CodexErrorInfo } from "../../../protocol/v2/turn/ErrorInfo.ts"
import { ModelError } from "../../../services/model/ModelProvider.ts"

/** The known cause of a missing answer. */
export type Evidence =
  /** No connection: the code and the text of the operating system or of TLS. */
  | { readonly _tag: "Connection"; readonly code: string; readonly text: string }
  /** No response head before the timeout. */
  | { readonly _tag: "Silent"; readonly millis: number }
  /** A status other than 2xx, with the server's own text, already bounded. */
  | { readonly _tag: "Status"; readonly status: number; readonly text: string }
  /** A response that is not an event stream. */
  | { readonly _tag: "ContentType"; readonly contentType: string }

/** A failed attempt and its retry policy. */
export interface Failure {
  readonly error: ModelError
  /**
   * - `never`: the same request would fail the same way.
   * - `stream`: a retry may succeed and is announced to clients.
   * - `network`: the server is unreachable; wait for the network without a limit.
   */
  readonly retry: "never" | "stream" | "network"
  /** Whether the request is first repeated without an announcement. */
  readonly silent: boolean
  /** The HTTP status in the announcement of the next attempt. */
  readonly status: number | null
  /** The delay requested by the server, in milliseconds. */
  readonly wait: number | null
  /** The cause, in addition to the message that clients match on. It becomes part of the error's details. */
  readonly evidence?: Evidence
}

interface Options extends Partial<Omit<Failure, "error">> {
  /** The details of the error. */
  readonly details?: string
}

/** A final failure, unless `options` make it retryable. */
export const failure = (message: string, info: CodexErrorInfo, options: Options = {}): Failure => {
  const { details, ...rest } = options
  return {
    error: new ModelError({ message, info, ...(details === undefined ? {} : { details }) }),
    retry: "never",
    silent: false,
    status: null,
    wait: null,
    ...rest
  }
}
