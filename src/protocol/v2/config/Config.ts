/**
 * The configuration as clients read it: merged, with the layer that each value came from. Keys are those of `config.toml`;
 * keys without a member here are passed on unchanged.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, I64, JsonObject, nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { ForcedLoginMethod, WebSearchMode } from "./Requirements.ts"
import {
  ApprovalsReviewer,
  AskForApproval,
  ReasoningEffort,
  ReasoningSummary,
  SandboxMode
} from "../thread/Settings.ts"

/** The `sandbox_workspace_write` table. */
export const SandboxWorkspaceWrite = lazy(() =>
  Schema.Struct({
    writable_roots: Schema.Array(Schema.String),
    network_access: Schema.Boolean,
    exclude_tmpdir_env_var: Schema.Boolean,
    exclude_slash_tmp: Schema.Boolean
  })
)
export type SandboxWorkspaceWrite = Of<typeof SandboxWorkspaceWrite>

const Allowance = lazy(() => Schema.Literals(["allow", "deny"]))

/** Settings of the web search tool: context size, allowed domains and user location. */
const webSearchTool = () =>
  Schema.Struct({
    context_size: nullable(Schema.Literals(["low", "medium", "high"])),
    allowed_domains: nullable(Schema.Array(Schema.String)),
    location: nullable(
      Schema.Struct({
        country: nullable(Schema.String),
        region: nullable(Schema.String),
        city: nullable(Schema.String),
        timezone: nullable(Schema.String)
      })
    )
  })

const apps = () =>
  Schema.StructWithRest(
    Schema.Struct({
      _default: nullable(
        Schema.Struct({
          enabled: Schema.Boolean,
          approvals_reviewer: nullable(ApprovalsReviewer()),
          destructive_enabled: Schema.Boolean,
          open_world_enabled: Schema.Boolean,
          default_tools_approval_mode: nullable(Schema.Literals(["auto", "prompt", "writes", "approve"]))
        })
      )
    }),
    [JsonObject]
  )

const browserUse = () => {
  const policy = Schema.Struct({
    access: nullable(Allowance()),
    downloads: nullable(Allowance()),
    full_cdp_access: nullable(Allowance()),
    uploads: nullable(Allowance())
  })
  return Schema.Struct({
    allow_history_access: nullable(Schema.Boolean),
    default_origin_policy: nullable(policy),
    origins: nullable(Schema.Record(Schema.String, policy))
  })
}

const computerUse = () =>
  Schema.Struct({
    default_app_access: nullable(Allowance()),
    macos: nullable(Schema.Struct({ bundle_ids: nullable(Schema.Record(Schema.String, Allowance())) })),
    windows: nullable(
      Schema.Struct({
        aumids: nullable(Schema.Record(Schema.String, Allowance())),
        exes: nullable(
          Schema.Array(
            Schema.Struct({
              access: Allowance(),
              binary_name: nullable(Schema.String),
              product_name: Schema.String,
              publisher_name: Schema.String
            })
          )
        )
      })
    )
  })

/** The effective configuration. Every member is present; null means that no layer sets it. */
export const Config = lazy(() =>
  Schema.StructWithRest(
    Schema.Struct({
      model: nullable(Schema.String),
      review_model: nullable(Schema.String),
      model_context_window: nullable(I64),
      model_auto_compact_token_limit: nullable(I64),
      model_auto_compact_token_limit_scope: nullable(Schema.Literals(["total", "body_after_prefix"])),
      model_provider: nullable(Schema.String),
      approval_policy: nullable(AskForApproval()),
      approvals_reviewer: nullable(ApprovalsReviewer()),
      sandbox_mode: nullable(SandboxMode()),
      sandbox_workspace_write: nullable(SandboxWorkspaceWrite()),
      forced_chatgpt_workspace_id: nullable(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
      forced_login_method: nullable(ForcedLoginMethod()),
      web_search: nullable(WebSearchMode()),
      client_search_provider: nullable(Schema.Literals(["standalone", "search_mcp"])),
      tools: nullable(Schema.Struct({ web_search: nullable(webSearchTool()) })),
      instructions: nullable(Schema.String),
      developer_instructions: nullable(Schema.String),
      compact_prompt: nullable(Schema.String),
      model_reasoning_effort: nullable(ReasoningEffort()),
      model_reasoning_summary: nullable(ReasoningSummary()),
      model_verbosity: nullable(Schema.Literals(["low", "medium", "high"])),
      service_tier: nullable(Schema.String),
      analytics: nullable(Schema.StructWithRest(Schema.Struct({ enabled: nullable(Schema.Boolean) }), [JsonObject])),
      apps: nullable(apps()),
      browser_use: nullable(browserUse()),
      computer_use: nullable(computerUse()),
      desktop: nullable(JsonObject)
    }),
    [JsonObject]
  )
)
export type Config = Of<typeof Config>

/** The source of a layer, from the defaults up to the session flags. */
export const ConfigLayerSource = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("packagedDefaults"), file: Schema.String }),
    Schema.Struct({ type: Schema.Literal("mdm"), domain: Schema.String, key: Schema.String }),
    Schema.Struct({ type: Schema.Literal("system"), file: Schema.String }),
    Schema.Struct({ type: Schema.Literal("enterpriseManaged"), id: Schema.String, name: Schema.String }),
    Schema.Struct({ type: Schema.Literal("user"), file: Schema.String, profile: nullable(Schema.String) }),
    Schema.Struct({ type: Schema.Literal("project"), dotCodexFolder: Schema.String }),
    Schema.Struct({ type: Schema.Literal("sessionFlags") }),
    Schema.Struct({ type: Schema.Literal("legacyManagedConfigTomlFromFile"), file: Schema.String }),
    Schema.Struct({ type: Schema.Literal("legacyManagedConfigTomlFromMdm") })
  ])
)
export type ConfigLayerSource = Of<typeof ConfigLayerSource>

/** The layer a value came from; `version` is a digest of it (`sha256:…`). */
export const ConfigLayerMetadata = lazy(() => Schema.Struct({ name: ConfigLayerSource(), version: Schema.String }))
export type ConfigLayerMetadata = Of<typeof ConfigLayerMetadata>

/** A layer with its own values; `disabledReason` says why it is disabled, if it is. */
export const ConfigLayer = lazy(() =>
  Schema.Struct({
    name: ConfigLayerSource(),
    version: Schema.String,
    config: Schema.Json,
    disabledReason: absent(Schema.String)
  })
)
export type ConfigLayer = Of<typeof ConfigLayer>
