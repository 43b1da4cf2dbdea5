/**
 * The JSON-RPC error codes in use. The released server answers nearly every error with `InvalidRequest`, including parse
 * errors. Clients match on these numbers, so they are part of the protocol.
 *
 * @module
 */

/** Undecodable request, wrong state, unknown thread, missing capability. */
export const InvalidRequest = -32600
/** A method of the release that this server does not serve. */
export const MethodNotFound = -32601
/** A value out of range, with details in `data`. */
export const InvalidParams = -32602
/** A failure of the server, the operating system or the configuration. */
export const Internal = -32603
/** A queue is full. The request was not processed and can be retried later. */
export const Overloaded = -32001
/** A client refuses a server request that it does not support. */
export const Unsupported = -32000
