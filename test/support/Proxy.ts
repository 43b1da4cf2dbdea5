/**
 * A proxy to a server that can be cut and restored.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Net from "node:net"

/** A port of this machine, or the path of a socket file. */
export type Place = { readonly port: number } | { readonly path: string }

export interface Proxy {
  readonly place: Place
  /** Ends every connection without a close; connections that are opened before `restore` end immediately. */
  readonly cut: Effect.Effect<void>
  readonly restore: Effect.Effect<void>
}

const connect = (place: Place): Net.Socket =>
  "path" in place ? Net.connect(place.path) : Net.connect(place.port, "127.0.0.1")

/** Forwards connections from a place, or from a free port, to a target. */
export const make = Effect.fnUntraced(function* (target: Place, place: Place = { port: 0 }) {
  const open = new Set<Net.Socket>()
  let isDown = false
  const server = Net.createServer((near) => {
    near.on("error", () => {})
    if (isDown) {
      near.destroy()
      return
    }
    const far = connect(target).on("error", () => {})
    for (const [one, other] of [
      [near, far],
      [far, near]
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on("close", () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  const cutAll = () => {
    for (const socket of open) socket.destroy()
  }
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen({ ...place, host: "127.0.0.1" }, () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        cutAll()
        server.close(() => resume(Effect.void))
      })
  )
  const address = server.address()
  const proxy: Proxy = {
    place: typeof address === "object" && address !== null ? { port: address.port } : place,
    cut: Effect.sync(() => {
      isDown = true
      cutAll()
    }),
    restore: Effect.sync(() => {
      isDown = false
    })
  }
  return proxy
})
