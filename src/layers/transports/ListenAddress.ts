/**
 * The grammar of `--listen`: where clients connect.
 *
 * Owns the accepted values and the error texts, which are those of the release. Opens nothing.
 *
 * @module
 */
import * as Net from "node:net"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** An invalid value of `--listen`, or values that cannot be combined. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  message: Schema.String
}) {}

/** Standard input and output. */
export interface ListenStdio {
  readonly _tag: "Stdio"
}

/** A socket in the file system. Without a path it is under the home folder; a relative path is relative to the working directory. */
export interface ListenUnix {
  readonly _tag: "Unix"
  readonly path: string | undefined
}

/** An address of this machine; with port 0 the system chooses one. */
export interface ListenWebSocket {
  readonly _tag: "WebSocket"
  /** An IPv4 or IPv6 address, without brackets. Never a host name, whose resolution may change. */
  readonly host: string
  readonly port: number
}

export type ListenAddress = ListenStdio | ListenUnix | ListenWebSocket

const fail = (message: string) => Result.fail(new ListenError({ message }))

const socketAddress = /^(?:(?<v4>[\d.]+)|\[(?<v6>[\da-f:.]+)\]):(?<port>\d+)$/i

const parseWebSocket = (url: string): Result.Result<ListenWebSocket, ListenError> => {
  const { v4, v6, port = "" } = socketAddress.exec(url.slice("ws://".length))?.groups ?? {}
  const isAddress = v4 === undefined ? v6 !== undefined && Net.isIPv6(v6) : Net.isIPv4(v4)
  if (!isAddress || Number(port) > 65_535) {
    return fail(`invalid websocket --listen URL \`${url}\`; expected \`ws://IP:PORT\``)
  }
  return Result.succeed({ _tag: "WebSocket", host: v4 ?? v6 ?? "", port: Number(port) })
}

/** One value of `--listen`; `undefined` is `off`. */
export const parse = (url: string): Result.Result<ListenAddress | undefined, ListenError> => {
  if (url === "stdio://") return Result.succeed({ _tag: "Stdio" })
  if (url === "off") return Result.succeed(undefined)
  if (url.startsWith("ws://")) return parseWebSocket(url)
  if (url.startsWith("unix://")) {
    const path = url.slice("unix://".length)
    return Result.succeed({ _tag: "Unix", path: path === "" ? undefined : path })
  }
  return fail(
    `unsupported --listen URL \`${url}\`; expected \`stdio://\`, \`unix://\`, \`unix://PATH\`, \`ws://IP:PORT\`, or \`off\``
  )
}

/** The inverse of `parse`, with an IPv6 address in brackets. */
export const format = (listen: ListenAddress): string => {
  switch (listen._tag) {
    case "Stdio":
      return "stdio://"
    case "Unix":
      return `unix://${listen.path ?? ""}`
    case "WebSocket":
      return `ws://${authority(listen)}`
  }
}

/** Address and port as in a URL. */
export const authority = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  Net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`

/** Parses all values of a command line. No value means stdio; duplicates are ignored. */
export const parseAll = (urls: ReadonlyArray<string>): Result.Result<ReadonlyArray<ListenAddress>, ListenError> => {
  const listens = new Map<string, ListenAddress>()
  for (const url of urls.length === 0 ? ["stdio://"] : urls) {
    const parsed = parse(url)
    if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
    if (parsed.success !== undefined) listens.set(format(parsed.success), parsed.success)
    else if (urls.length > 1) return fail("`--listen off` cannot be combined with other --listen values")
  }
  return Result.succeed(Array.from(listens.values()))
}
