/**
 * The JSON-RPC error codes in use. The released server answers nearly everything with `InvalidRequest`, parse problems
 * included; clients match on these numbers, so they are part of the protocol.
 *
 * @module
 */

/** Undecodable request, wrong state, unknown thread, missing capability. */
export const InvalidRequest = -32600
/** A method the release names and this server does not serve. */
export const MethodNotFound = -32601
/** A value out of range, with details in `data`. */
export const InvalidParams = -32602
/** A fault of the server, the operating system or the configuration. */
export const Internal = -32603
/** Full queue. Retry later: nothing was done. */
export const Overloaded = -32001
/** A client that refuses a server request it does not support. */
export const Unsupported = -32000
