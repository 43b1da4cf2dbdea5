/**
 * A failed attempt at an answer, whatever model it was asked of.
 *
 * @module
 */
import type { CodexErrorInfo } from "../../../protocol/v2/turn/ErrorInfo.ts"
import { ModelError } from "../../../services/model/ModelProvider.ts"

/** Why a server did not answer, as far as it is known. */
export type Evidence =
  /** No connection: the code and the text of the operating system or of TLS. */
  | { readonly _tag: "Connection"; readonly code: string; readonly text: string }
  /** No response head in time. */
  | { readonly _tag: "Silent"; readonly millis: number }
  /** A status other than 2xx, with the server's own text, already bounded. */
  | { readonly _tag: "Status"; readonly status: number; readonly text: string }
  /** A response that is no event stream. */
  | { readonly _tag: "ContentType"; readonly contentType: string }

/** A failed attempt, and what to do about it. */
export interface Failure {
  readonly error: ModelError
  /**
   * - `never`: the same request would fail the same way.
   * - `stream`: worth a new attempt, which is announced to clients.
   * - `network`: the server cannot be reached at all; wait for the network, for as long as it takes.
   */
  readonly retry: "never" | "stream" | "network"
  /** Whether the request is repeated first without a word to anybody. */
  readonly silent: boolean
  /** The HTTP status in the announcement of the next attempt. */
  readonly status: number | null
  /** Milliseconds that the server asked to wait. */
  readonly wait: number | null
  /** What is known beyond the message that clients match on; it goes into the details of the error. */
  readonly evidence?: Evidence
}

interface Options extends Partial<Omit<Failure, "error">> {
  /** The details of the error. */
  readonly details?: string
}

/** A failure that is final, unless `options` make it retryable. */
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
