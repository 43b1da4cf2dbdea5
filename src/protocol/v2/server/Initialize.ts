/**
 * The initialize request: the client's identity and capabilities, and the server's home and platform.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { defaulted, JsonObject, optional, orNull } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The client's name for the model server, and its display name. */
export const ClientInfo = lazy(() =>
  Schema.Struct({ name: Schema.String, title: orNull(Schema.String), version: Schema.String }).annotate({
    identifier: "ClientInfo"
  })
)
export type ClientInfo = Of<typeof ClientInfo>

/** Options of a connection. Notifications are opted out of by exact name; unknown names are ignored. */
export const InitializeCapabilities = lazy(() =>
  Schema.Struct({
    experimentalApi: defaulted(Schema.Boolean, false),
    requestAttestation: defaulted(Schema.Boolean, false),
    requiredHumanApproval: defaulted(Schema.Boolean, false),
    explicitGatewayOauth: defaulted(Schema.Boolean, false),
    mcpServerOpenaiFormElicitation: defaulted(Schema.Boolean, false),
    optOutNotificationMethods: optional(Schema.Array(Schema.String)),
    extensions: optional(JsonObject)
  }).annotate({ identifier: "InitializeCapabilities" })
)
export type InitializeCapabilities = Of<typeof InitializeCapabilities>

export const InitializeParams = lazy(() =>
  Schema.Struct({ clientInfo: ClientInfo(), capabilities: orNull(InitializeCapabilities()) }).annotate({
    identifier: "InitializeParams"
  })
)
export type InitializeParams = Of<typeof InitializeParams>

/** Clients read the protocol release from `userAgent`: `<client name>/<release> (<os>; <arch>) …`. */
export const InitializeResponse = lazy(() =>
  Schema.Struct({
    userAgent: Schema.String,
    codexHome: Schema.String,
    platformFamily: Schema.String,
    platformOs: Schema.String
  })
)
export type InitializeResponse = Of<typeof InitializeResponse>
