/**
 * The page of the documentation that lists every method of the protocol. It is written from the method table.
 *
 * @module
 */
import type { ClientRequest, Reach, Schedule, Tier, WireSchema } from "../../src/protocol/Method.ts"
import {
  type ClientRequestMethod,
  clientRequestTable,
  serverNotificationTable,
  serverRequestTable
} from "../../src/protocol/Methods.ts"
import { ReleasedRequests } from "../../src/protocol/ReleasedRequests.ts"

type Row = ReadonlyArray<string>

const line = (row: Row): string => `| ${row.join(" | ")} |`

const tableOf = (head: Row, rows: ReadonlyArray<Row>): string =>
  [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")

const named = (method: string): string => `\`${method}\``

const servedRequests: Readonly<Record<string, ClientRequest<WireSchema | undefined, WireSchema> | undefined>> =
  clientRequestTable as Readonly<Record<ClientRequestMethod, ClientRequest<never, never>>>

/** The earlier requests that one waits for. */
const orderOf = (schedule: Schedule<never>): string => {
  switch (schedule._tag) {
    case "Concurrent":
      return "nothing"
    case "Global":
      return schedule.shared ? `changes of \`${schedule.name}\`` : `\`${schedule.name}\``
    case "Thread":
      return schedule.shared ? "changes of the thread" : "the thread"
    case "Owned":
      return `the same ${schedule.name} of the connection`
  }
}

const whenFull: Readonly<Record<Tier, string>> = {
  lossless: "its producer waits",
  latest: "the newest value replaces the older one",
  bestEffort: "it is dropped and counted"
}

const receivers: Readonly<Record<Reach, string>> = {
  subscribers: "subscribers of the thread",
  everyone: "every connection",
  chosen: "the connections that it concerns"
}

const requests = Object.entries(ReleasedRequests).map(([method, { params, stability }]): Row => {
  const declared = servedRequests[method]
  return [named(method), stability, params, declared ? "yes" : "no", declared ? orderOf(declared.schedule) : ""]
})

const servedCount = Object.keys(clientRequestTable).length

const serverRequests = Object.entries(serverRequestTable).map(([method, { stability }]): Row => [
  named(method),
  stability,
  "it fails in the server"
])

const notifications = Object.entries(serverNotificationTable).map(([method, { reach, stability, tier }]): Row => [
  named(method),
  stability,
  receivers[reach],
  whenFull[tier]
])

/** The whole page. */
export const methodsPage = (): string => `# Methods

This page is written from the method table by \`npm run docs:methods\`. Do not edit it.

Experimental methods need \`capabilities.experimentalApi\` in \`initialize\`.

## Requests of a client

The release has ${requests.length}; this server serves ${servedCount}. Another one of these fails with -32601
\`<method> is not supported yet\`, after the checks that the release makes. The parameters and the result of a request that is
not served are declared too, so that a client can send it to a server that serves it.

No request declares what happens when a queue is full, because all fail alike: with -32001 \`Server overloaded; retry later.\` on
a connection, and as in the statements 14 and 16 of the [contract](contract.md) in the same process.

The last column names the earlier requests that one waits for: those about the same thread or subject. Adjacent readers run
concurrently.

${tableOf(["method", "stability", "parameters", "served", "waits for"], requests)}

## Requests of the server

The release has ${serverRequests.length}. The last column describes what happens when the client's queue is full.

${tableOf(["method", "stability", "when its queue is full"], serverRequests)}

## Notifications of the server

The release has ${notifications.length}. The last column describes what happens when the client's queue is full. The typed client
reports the number of dropped ones by one \`Lagged\` before its next event.

${tableOf(["method", "stability", "receivers", "when its queue is full"], notifications)}

## Notifications of a client

\`initialized\` completes the handshake. Others are ignored.
`
