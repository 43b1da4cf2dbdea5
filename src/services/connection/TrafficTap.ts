/**
 * Records the messages of a connection, for servers that enable recording.
 *
 * @module
 */
import type { Incoming } from "../../protocol/jsonrpc/Envelope.ts"
import type { Seen, Traffic } from "../observability/Traffic.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"
import type { Connection } from "./Connection.ts"
import type { Answers } from "./Transport.ts"

const seen = (incoming: Incoming): Omit<Seen, "connection" | "direction"> | undefined => {
  switch (incoming._tag) {
    case "Request": {
      const { id, method, params } = incoming.request
      return { kind: "request", id, method, payload: params }
    }
    case "Notification": {
      const { method, params } = incoming.notification
      return { kind: "notification", method, payload: params }
    }
    case "Success":
      return { kind: "result", id: incoming.success.id, payload: incoming.success.result }
    case "Failure":
      return { kind: "error", id: incoming.failure.id, payload: incoming.failure.error }
    case "Refused":
      return { kind: "request", id: incoming.id, method: incoming.method, payload: undefined }
    case "Ignored":
      return undefined
  }
}

/** Records a message from the client. */
export const received = (traffic: Traffic, { id: connection }: Connection, incoming: Incoming): void => {
  const message = seen(incoming)
  if (message !== undefined) traffic.record({ connection, direction: "in", ...message })
}

/** Records messages to the client: responses when they are made, others when they are taken for writing. */
export const attach = (traffic: Traffic, connection: Connection): void => {
  const { answers, id, outgoing } = connection
  const out = { connection: id, direction: "out" } as const
  outgoing.onTaken = (message: OutboundMessage) => {
    if (message._tag === "Answer" || message._tag === "Lagged") return
    const { method, params } = message
    if (message._tag === "Notification") traffic.record({ ...out, kind: "notification", method, payload: params })
    else traffic.record({ ...out, kind: "request", id: message.id, method, payload: params })
  }
  const recorded: Answers = {
    succeed: (id, result, extensions) => {
      traffic.record({ ...out, kind: "result", id, payload: result })
      return answers.succeed(id, result, extensions)
    },
    fail: (id, error) => {
      traffic.record({ ...out, kind: "error", id, payload: error })
      return answers.fail(id, error)
    },
    hasRoom: () => answers.hasRoom()
  }
  connection.answers = recorded
}
