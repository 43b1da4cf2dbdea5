/**
 * The grammar of `--listen`: where clients connect.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { UsageError } from "./Usage.ts"

const known = "expected `stdio://`, `unix://`, `unix://PATH`, `ws://IP:PORT`, or `off`"

/** An IPv4 address, or an IPv6 one in brackets, and a port. */
const socketAddress = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\]):\d{1,5}$/i

/** What is wrong with the value; nothing where it can be listened on. */
const mistake = (url: string): string | undefined => {
  if (url === "stdio://") return undefined
  if (url.startsWith("ws://") && !socketAddress.test(url.slice("ws://".length))) {
    return `invalid websocket --listen URL \`${url}\`; expected \`ws://IP:PORT\``
  }
  if (url.startsWith("ws://") || url.startsWith("unix://") || url === "off") {
    return `--listen ${url} is not supported yet; supported now: stdio://`
  }
  return `unsupported --listen URL \`${url}\`; ${known}`
}

/** Fails unless the service can listen there. */
export const check = (url: string): Effect.Effect<void, UsageError> => {
  const message = mistake(url)
  return message === undefined ? Effect.void : Effect.fail(new UsageError({ message }))
}
