/**
 * The account that is logged in.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The plan of a ChatGPT account. */
export const PlanType = lazy(() =>
  Schema.Literals([
    "free",
    "go",
    "plus",
    "pro",
    "prolite",
    "promax",
    "team",
    "self_serve_business_prolite",
    "self_serve_business_usage_based",
    "business",
    "ent26",
    "enterprise_cbp_automation",
    "enterprise_cbp_usage_based",
    "enterprise",
    "edu",
    "edu_plus",
    "edu_pro",
    "sci",
    "sci_plus",
    "unknown"
  ])
)
export type PlanType = Of<typeof PlanType>

/** An account by how it authenticates. */
export const Account = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("apiKey") }),
    Schema.Struct({
      type: Schema.Literal("chatgpt"),
      email: nullable(Schema.String),
      planType: PlanType(),
      workspaceName: nullable(Schema.String)
    }),
    Schema.Struct({ type: Schema.Literal("amazonBedrock"), usesCodexManagedCredentials: Schema.Boolean }),
    Schema.Struct({ type: Schema.Literal("gcp") })
  ])
)
export type Account = Of<typeof Account>

/** Where requests of a workspace are sent. Experimental. */
export const WorkspaceRouting = lazy(() =>
  Schema.Struct({
    accountRoutingOverride: Schema.Literals(["NO_CONSTRAINT", "us", "us_cr"]),
    backendOrigin: Schema.String,
    chatgptAccountId: Schema.String
  })
)
export type WorkspaceRouting = Of<typeof WorkspaceRouting>

/** How requests to the model provider are authenticated. */
export const AuthMode = lazy(() =>
  Schema.Literals([
    "apikey",
    "chatgpt",
    "chatgptAuthTokens",
    "headers",
    "agentIdentity",
    "personalAccessToken",
    "bedrockApiKey",
    "bedrockAccessKeys"
  ])
)
export type AuthMode = Of<typeof AuthMode>
