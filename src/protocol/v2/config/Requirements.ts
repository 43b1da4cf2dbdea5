/**
 * The organisation's requirements: the values that it allows and the values that it sets.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { defaulted, JsonObject, nullable, U16, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { ApprovalsReviewer, AskForApproval, ReasoningEffort, SandboxMode } from "../thread/Settings.ts"

/** The login methods that are allowed. */
export const ForcedLoginMethod = lazy(() => Schema.Literals(["chatgpt", "api"]))
export type ForcedLoginMethod = Of<typeof ForcedLoginMethod>

/** Whether the model searches the web, and how fresh the results are. */
export const WebSearchMode = lazy(() => Schema.Literals(["disabled", "cached", "indexed", "live"]))
export type WebSearchMode = Of<typeof WebSearchMode>

const Allowance = lazy(() => Schema.Literals(["allow", "deny"]))
const Texts = lazy(() => nullable(Schema.Array(Schema.String)))
const Flag = lazy(() => nullable(Schema.Boolean))
const Text = lazy(() => nullable(Schema.String))
const Allowances = lazy(() => nullable(Schema.Record(Schema.String, Allowance())))

const computerUse = () =>
  Schema.Struct({
    allowLockedComputerUse: Flag(),
    allowPersistentApproval: Flag(),
    defaultAppAccess: nullable(Allowance()),
    macos: nullable(Schema.Struct({ bundleIds: Allowances() })),
    windows: nullable(
      Schema.Struct({
        aumids: Allowances(),
        exes: nullable(
          Schema.Array(
            Schema.Struct({
              access: Allowance(),
              binaryName: Text(),
              productName: Schema.String,
              publisherName: Schema.String
            })
          )
        )
      })
    )
  })

const browserUse = () => {
  const policy = Schema.Struct({
    access: nullable(Allowance()),
    accessApprovalLifetime: nullable(Schema.Literals(["turn", "thread"])),
    autoReview: nullable(Allowance()),
    downloads: nullable(Allowance()),
    fullCdpAccess: nullable(Allowance()),
    persistentApproval: Flag(),
    uploads: nullable(Allowance())
  })
  return Schema.Struct({
    extension: nullable(
      Schema.Struct({
        requestHeaders: nullable(Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String })))
      })
    ),
    allowWebmcp: Flag(),
    allowHistoryAccess: Flag(),
    disableAutoReview: Flag(),
    allowGlobalPersistentApproval: Flag(),
    defaultOriginPolicy: nullable(policy),
    origins: nullable(Schema.Record(Schema.String, policy))
  })
}

/** Hooks that users cannot disable, by event. */
export const ManagedHooksRequirements = lazy(() => {
  const handler = Schema.Union([
    Schema.Struct({
      type: Schema.Literal("command"),
      command: Schema.String,
      commandWindows: Text(),
      timeoutSec: nullable(U64),
      async: Schema.Boolean,
      statusMessage: Text(),
      additionalContextLimit: nullable(U64)
    }),
    Schema.Struct({
      type: Schema.Literal("mcp_tool"),
      server: Schema.String,
      tool: Schema.String,
      input: JsonObject,
      timeoutSec: nullable(U64),
      statusMessage: Text()
    }),
    Schema.Struct({ type: Schema.Literal("prompt") }),
    Schema.Struct({ type: Schema.Literal("agent") })
  ])
  const groups = Schema.Array(Schema.Struct({ matcher: Text(), hooks: Schema.Array(handler) }))
  return Schema.Struct({
    managedDir: Text(),
    windowsManagedDir: Text(),
    PreModelRequest: defaulted(groups, []),
    PostModelRequest: defaulted(groups, []),
    PreToolUse: groups,
    PermissionRequest: groups,
    PostToolUse: groups,
    PreCompact: groups,
    PostCompact: groups,
    SessionStart: groups,
    SessionEnd: defaulted(groups, []),
    UserPromptSubmit: groups,
    SubagentStart: groups,
    SubagentStop: groups,
    Stop: groups,
    Interrupt: defaulted(groups, [])
  })
})
export type ManagedHooksRequirements = Of<typeof ManagedHooksRequirements>

/** The network access of sandboxed commands. */
export const NetworkRequirements = lazy(() =>
  Schema.Struct({
    enabled: Flag(),
    httpPort: nullable(U16),
    socksPort: nullable(U16),
    allowUpstreamProxy: Flag(),
    dangerouslyAllowNonLoopbackProxy: Flag(),
    dangerouslyAllowAllUnixSockets: Flag(),
    domains: Allowances(),
    reviewDomains: Texts(),
    managedAllowedDomainsOnly: Flag(),
    allowedDomains: Texts(),
    deniedDomains: Texts(),
    unixSockets: Allowances(),
    allowUnixSockets: Texts(),
    allowLocalBinding: Flag()
  })
)
export type NetworkRequirements = Of<typeof NetworkRequirements>

/** Where telemetry is sent. */
export const OtelRequirements = lazy(() => {
  const tls = nullable(
    Schema.Struct({ "ca-certificate": Text(), "client-certificate": Text(), "client-private-key": Text() })
  )
  const headers = Schema.Record(Schema.String, Schema.String)
  const exporter = Schema.Union([
    Schema.Literals(["none", "statsig"]),
    Schema.Struct({
      "otlp-http": Schema.Struct({
        endpoint: Schema.String,
        headers,
        protocol: Schema.Literals(["binary", "json"]),
        tls
      })
    }),
    Schema.Struct({ "otlp-grpc": Schema.Struct({ endpoint: Schema.String, headers, tls }) })
  ])
  return Schema.Struct({
    tool_result: nullable(Schema.Struct({ max_bytes: U64 })),
    log_sse_deltas: Flag(),
    log_user_prompt: Flag(),
    log_agent_responses: Flag(),
    log_guardian_assessments: Flag(),
    environment: Text(),
    exporter: nullable(exporter),
    trace_exporter: nullable(exporter),
    metrics_exporter: nullable(exporter),
    span_attributes: nullable(headers),
    tracestate: nullable(Schema.Record(Schema.String, headers))
  })
})
export type OtelRequirements = Of<typeof OtelRequirements>

/** Null means no requirement. An `allowed…` list is exhaustive when it is present. */
export const ConfigRequirements = lazy(() =>
  Schema.Struct({
    modelProvider: Text(),
    modelProviders: nullable(JsonObject),
    allowedLoginMethods: nullable(Schema.Array(ForcedLoginMethod())),
    cliAuthCredentialsStore: nullable(Schema.Literals(["file", "keyring", "auto", "ephemeral"])),
    chatgptBaseUrl: Text(),
    additionalDeveloperInstructions: Text(),
    allowedApprovalPolicies: nullable(Schema.Array(AskForApproval())),
    allowedApprovalsReviewers: nullable(Schema.Array(ApprovalsReviewer())),
    allowedSandboxModes: nullable(Schema.Array(SandboxMode())),
    allowedWindowsSandboxImplementations: nullable(Schema.Array(Schema.Literals(["elevated", "unelevated", "mxc"]))),
    allowedPermissionProfiles: nullable(Schema.Record(Schema.String, Schema.Boolean)),
    defaultPermissions: Text(),
    allowedWebSearchModes: nullable(Schema.Array(WebSearchMode())),
    allowManagedHooksOnly: Flag(),
    allowBrowserAndComputerUse: Flag(),
    allowAppshots: Flag(),
    allowRemoteControl: Flag(),
    computerUse: nullable(computerUse()),
    browserUse: nullable(browserUse()),
    inAppBrowser: nullable(Schema.Struct({ allowExternalBrowserSettingsImport: Flag() })),
    featureRequirements: nullable(Schema.Record(Schema.String, Schema.Boolean)),
    hooks: nullable(ManagedHooksRequirements()),
    enforceResidency: nullable(Schema.Literal("us")),
    network: nullable(NetworkRequirements()),
    application: nullable(
      Schema.Struct({
        network: nullable(
          Schema.Struct({ enabled: Schema.Boolean, domains: Schema.Record(Schema.String, Allowance()) })
        ),
        storage: nullable(Schema.Struct({ defaultProjectParent: Text(), projectlessWorkspaceRoot: Text() }))
      })
    ),
    autoReview: nullable(Schema.Struct({ ignoreRules: Texts(), requiredOnModels: Texts() })),
    models: nullable(
      Schema.Struct({
        newThread: nullable(
          Schema.Struct({ model: Text(), modelReasoningEffort: nullable(ReasoningEffort()), serviceTier: Text() })
        )
      })
    ),
    sqliteHome: Text(),
    logDir: Text(),
    modelCatalogJson: Text(),
    checkForUpdateOnStartup: Flag(),
    allowLoginShell: Flag(),
    feedback: nullable(Schema.Struct({ enabled: Flag() })),
    otel: nullable(OtelRequirements())
  })
)
export type ConfigRequirements = Of<typeof ConfigRequirements>
