/**
 * The settings of `config.toml` in release 0.169.0: the type of each, and its default in `config/read`. The first ones are
 * in the order of the protocol's `Config`, the others by name.
 *
 * Sections of other programs (`tui`, `otel`, `apps`, ...) are passed on unchecked.
 *
 * @module
 */
import { mcpServer } from "./McpServerSettings.ts"
import {
  anything,
  complete,
  either,
  flag,
  i64,
  type SettingType,
  list,
  literals,
  literalsWith,
  map,
  nonEmptyText,
  optional,
  path,
  required,
  section,
  text,
  u16,
  u64,
  usize
} from "./SettingType.ts"
import { empty, type Value } from "./Table.ts"

const approvalPolicy = either(
  literalsWith(["untrusted", "on-failure", "on-request", "granular", "never"], {
    renamed: { "on-failure": "on-request" },
    refused: { granular: "`granular` needs its settings: approval_policy = { granular = { ... } }" }
  }),
  section({
    granular: required(
      section({
        sandbox_approval: required(flag),
        rules: required(flag),
        skill_approval: optional(flag, false),
        request_permissions: optional(flag, false),
        mcp_elicitations: required(flag)
      })
    )
  })
)

/** The modes of `sandbox_mode`. */
export const sandboxMode = literals("read-only", "workspace-write", "danger-full-access")

/** The policies of `approval_policy`. */
export { approvalPolicy }

/** A server of the Responses API, under `model_providers`. */
export const modelProvider = section({
  name: optional(text),
  base_url: optional(text),
  model_catalog_url: optional(text),
  env_key: optional(text),
  env_key_instructions: optional(text),
  experimental_bearer_token: optional(text),
  auth: optional(anything),
  gateway_oauth: optional(anything),
  aws: optional(anything),
  project_id: optional(text),
  location: optional(text),
  credential_file: optional(path),
  wire_api: optional(
    literalsWith(["responses"], {
      refused: {
        chat: '`wire_api = "chat"` is no longer supported.\nHow to fix: set `wire_api = "responses"` in your provider config.'
      }
    }),
    "responses"
  ),
  capabilities: optional(anything),
  query_params: optional(map(text)),
  http_headers: optional(map(text)),
  env_http_headers: optional(map(text)),
  request_max_retries: optional(u64),
  stream_max_retries: optional(u64),
  stream_idle_timeout_ms: optional(u64),
  websocket_connect_timeout_ms: optional(u64),
  requires_openai_auth: optional(flag, false),
  supports_websockets: optional(flag, false),
  supports_standalone_web_search: optional(flag, false)
})

/** The features whose state is reported; others are passed on as written. */
const features: Readonly<Record<string, boolean>> = {
  api_key_cyber_access_programs: true,
  api_key_model_discovery: true,
  auth_elicitation: true,
  background_paginated_rollout_migration: false,
  codex_apps_mcp_2026_07_28: false,
  daybreak_program_propagation: false,
  mcp_2026_07_28: false,
  mcp_connection_sharing: false,
  mcp_lazy_stdio_startup: false,
  memories: false,
  mentions_v2: true,
  remote_control: false,
  remote_plugin: true,
  tool_suggest: true,
  windows_sandbox_service: false
}

/** A feature is on or off, or a table of settings. A switch accepts no other value. */
const feature = either(section({}, anything), flag)

const history = section({ persistence: optional(literals("save-all", "none"), "save-all"), max_bytes: optional(usize) })

const shellEnvironmentPolicy = section({
  inherit: optional(literals("core", "all", "none")),
  ignore_default_excludes: optional(flag),
  exclude: optional(list(text)),
  set: optional(map(text)),
  include_only: optional(list(text)),
  filters: optional(map(literals("include", "exclude"))),
  experimental_use_profile: optional(flag)
})

const sandboxWorkspaceWrite = section({
  writable_roots: optional(list(path), []),
  network_access: optional(flag, false),
  exclude_tmpdir_env_var: optional(flag, false),
  exclude_slash_tmp: optional(flag, false)
})

/** A setting whose section is always reported completely. */
const present = (kind: SettingType) => optional(kind, complete(kind, empty))
const nothing: Value = {}

export const keys: SettingType = section({
  model: optional(text),
  review_model: optional(text),
  model_context_window: optional(i64),
  model_auto_compact_token_limit: optional(i64),
  model_auto_compact_token_limit_scope: optional(literals("total", "body_after_prefix")),
  model_provider: optional(text),
  approval_policy: optional(approvalPolicy),
  approvals_reviewer: optional(literals("user", "auto_review", "guardian_subagent")),
  sandbox_mode: optional(sandboxMode),
  sandbox_workspace_write: optional(sandboxWorkspaceWrite),
  forced_chatgpt_workspace_id: optional(either(text, list(text))),
  forced_login_method: optional(literals("chatgpt", "api")),
  web_search: optional(literals("disabled", "cached", "indexed", "live")),
  client_search_provider: optional(literals("standalone", "search_mcp")),
  tools: optional(anything),
  instructions: optional(text),
  developer_instructions: optional(text),
  compact_prompt: optional(text),
  model_reasoning_effort: optional(nonEmptyText("reasoning_effort must not be empty")),
  model_reasoning_summary: optional(literals("auto", "concise", "detailed", "none")),
  model_verbosity: optional(literals("low", "medium", "high")),
  service_tier: optional(text),
  analytics: optional(section({ enabled: optional(flag) }, anything)),
  apps: optional(section({ _default: optional(anything) }, anything)),
  browser_use: optional(
    section({
      allow_history_access: optional(flag),
      default_origin_policy: optional(anything),
      origins: optional(anything)
    })
  ),
  computer_use: optional(
    section({ default_app_access: optional(anything), macos: optional(anything), windows: optional(anything) })
  ),
  desktop: optional(map(anything)),

  agents: optional(anything),
  allow_login_shell: optional(flag, true),
  allow_symlinked_codex_home: optional(anything),
  apps_mcp_product_sku: optional(text),
  audio: optional(anything),
  auto_review: optional(anything),
  background_terminal_max_timeout: optional(u64, 300_000),
  chatgpt_base_url: optional(text, "https://chatgpt.com/backend-api/"),
  check_for_update_on_startup: optional(flag),
  cli_auth_credentials_store: optional(literals("file", "keyring", "auto", "ephemeral"), "file"),
  cloud: optional(anything),
  daybreak: optional(anything),
  default_permissions: optional(text),
  disable_paste_burst: optional(flag),
  experimental_compact_prompt_file: optional(path),
  experimental_realtime_start_instructions: optional(text),
  experimental_realtime_webrtc_call_base_url: optional(text),
  experimental_realtime_ws_backend_prompt: optional(text),
  experimental_realtime_ws_base_url: optional(text),
  experimental_realtime_ws_model: optional(text),
  experimental_realtime_ws_startup_context: optional(text),
  experimental_thread_store: optional(anything),
  experimental_thread_store_endpoint: optional(text),
  experimental_use_unified_exec_tool: optional(flag),
  features: optional(
    section(
      {
        network_proxy: optional(anything),
        ...Object.fromEntries(Object.entries(features).map(([key, on]) => [key, optional(feature, on)]))
      },
      feature
    ),
    features
  ),
  feedback: optional(anything),
  file_opener: optional(literals("vscode", "vscode-insiders", "windsurf", "cursor", "none"), "vscode"),
  ghost_snapshot: optional(anything),
  goals: optional(anything),
  hide_agent_reasoning: optional(flag, false),
  history: present(history),
  hooks: optional(anything),
  include_apps_instructions: optional(flag, true),
  include_collaboration_mode_instructions: optional(flag, true),
  include_environment_context: optional(flag, true),
  include_environment_context_time: optional(flag, true),
  include_permissions_instructions: optional(flag, true),
  js_repl_node_module_dirs: optional(anything),
  js_repl_node_path: optional(anything),
  log_dir: optional(path),
  marketplaces: optional(map(anything), nothing),
  mcp_enterprise_managed_auth: optional(anything),
  mcp_oauth_callback_port: optional(u16),
  mcp_oauth_callback_url: optional(text),
  mcp_oauth_credentials_store: optional(literals("auto", "file", "keyring"), "auto"),
  mcp_optional_startup_grace_ms: optional(u64),
  mcp_servers: optional(map(mcpServer), nothing),
  memories: optional(anything),
  model_catalog_json: optional(path),
  model_instructions_file: optional(path),
  model_post_turn_compact_threshold_percent: optional(anything),
  model_providers: optional(map(modelProvider), nothing),
  notice: optional(anything),
  notify: optional(list(text)),
  openai_base_url: optional(text),
  orchestrator: optional(anything),
  oss_provider: optional(text),
  otel: optional(anything),
  permissions: optional(anything),
  personality: optional(literals("none", "friendly", "pragmatic")),
  plan_mode_reasoning_effort: optional(text),
  plugins: optional(map(anything), nothing),
  profile: optional(text),
  profiles: optional(map(anything), nothing),
  project_doc_fallback_filenames: optional(list(text), []),
  project_doc_max_bytes: optional(usize, 32_768),
  project_root_markers: optional(list(text), [".git"]),
  projects: optional(map(section({ trust_level: optional(literals("trusted", "untrusted")) }))),
  realtime: optional(anything),
  responses_api_metadata: optional(anything),
  shell_environment_policy: present(shellEnvironmentPolicy),
  show_raw_agent_reasoning: optional(flag),
  skills: optional(anything),
  /** Of this server; the release ignores it. */
  spindle: optional(
    section({
      store: optional(literals("files", "memory")),
      fsync: optional(literals("never", "turn", "always")),
      recover: optional(literals("interrupt", "resume")),
      file_history: optional(flag),
      retention_days: optional(u64),
      retention_size_mb: optional(u64),
      retention_threads: optional(u64),
      sandbox: optional(literals("auto", "bubblewrap", "landlock", "none"))
    })
  ),
  sqlite_home: optional(path),
  suppress_unstable_features_warning: optional(flag),
  thread_unload_delay_secs: optional(u64),
  tool_output_token_limit: optional(usize),
  tool_suggest: optional(anything),
  tui: optional(anything),
  windows: optional(anything)
})
