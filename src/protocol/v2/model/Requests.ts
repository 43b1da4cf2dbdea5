/**
 * Requests about models.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { optional, page, pageOf } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { CollaborationModeListParams, CollaborationModeListResponse } from "./CollaborationModes.ts"
import { Model } from "./Model.ts"
import * as Provider from "./Provider.ts"

/** The cursor is the one of the previous page. Default for `modelProvider`: the configured one. */
export const ModelListParams = lazy(() =>
  Schema.Struct({
    ...page,
    includeHidden: optional(Schema.Boolean),
    modelProvider: optional(Schema.String)
  }).annotate({ identifier: "ModelListParams" })
)
export type ModelListParams = Of<typeof ModelListParams>

export const ModelListResponse = lazy(() => pageOf(Model()))
export type ModelListResponse = Of<typeof ModelListResponse>

/** By method name. */
export const modelRequests = {
  /** The models of a provider, paginated. */
  "model/list": Method.clientRequest({
    params: ModelListParams,
    result: ModelListResponse
  }),

  /** The configured providers of models. */
  "modelProvider/list": Method.clientRequest({
    params: Provider.ModelProviderListParams,
    result: Provider.ModelProviderListResponse,
    schedule: Method.global("config", { shared: true })
  }),

  /** What the configured provider offers in addition to answers. */
  "modelProvider/capabilities/read": Method.clientRequest({
    params: Provider.ModelProviderCapabilitiesReadParams,
    result: Provider.ModelProviderCapabilitiesReadResponse,
    schedule: Method.global("config", { shared: true })
  }),
  /** The modes of a turn. Experimental. */
  "collaborationMode/list": Method.clientRequest({
    params: CollaborationModeListParams,
    result: CollaborationModeListResponse
  })
} as const
