/**
 * The credentials and settings of cloud providers: Amazon Bedrock and Google Cloud. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { emptyParams, named, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

export const BedrockDiscoverParams = emptyParams("BedrockDiscoverParams")
export type BedrockDiscoverParams = Of<typeof BedrockDiscoverParams>

/** The profiles of the AWS configuration, and the credentials in the environment, by kind. */
export const BedrockDiscoverResponse = lazy(() =>
  Schema.Struct({
    profiles: Schema.Array(Schema.Struct({ name: Schema.String, region: nullable(Schema.String) })),
    environmentCredentials: Schema.Array(
      Schema.Struct({ type: Schema.Literals(["accessKeys", "bedrockApiKey"]), region: nullable(Schema.String) })
    )
  })
)
export type BedrockDiscoverResponse = Of<typeof BedrockDiscoverResponse>

/** Where the credential comes from. */
export const BedrockSetupParams = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("profile"), profile: Schema.String, region: Schema.String }),
    Schema.Struct({ type: Schema.Literal("environment"), region: Schema.String })
  ]).annotate({ identifier: "BedrockSetupParams" })
)
export type BedrockSetupParams = Of<typeof BedrockSetupParams>

export const BedrockCheckGovCloudRequirementsParams = emptyParams("BedrockCheckGovCloudRequirementsParams")
export type BedrockCheckGovCloudRequirementsParams = Of<typeof BedrockCheckGovCloudRequirementsParams>

/** Whether the region is GovCloud, and whether the organisation's requirements lack what it needs. */
export const BedrockCheckGovCloudRequirementsResponse = lazy(() =>
  Schema.Struct({ isGovCloud: Schema.Boolean, shouldWarn: Schema.Boolean })
)
export type BedrockCheckGovCloudRequirementsResponse = Of<typeof BedrockCheckGovCloudRequirementsResponse>

/** Default for `location`: `global`. Without `credentialFile`, a path on the server's machine, the default credentials count. */
export const GcpSetupParams = lazy(() =>
  named("GcpSetupParams", {
    projectId: Schema.String,
    location: optional(Schema.String),
    credentialFile: optional(Schema.String)
  })
)
export type GcpSetupParams = Of<typeof GcpSetupParams>
