import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { keys } from "../../../src/services/config/SettingsSchema.ts"
import { check, complete, normalize, unknownKeys } from "../../../src/services/config/SettingType.ts"
import { isTable, type Table } from "../../../src/services/config/Table.ts"

const policies = "`untrusted`, `on-failure`, `on-request`, `granular`, `never`"

describe("check", () => {
  it.each<[Table, ReadonlyArray<string>, string]>([
    [{ model: 5 }, ["model"], "invalid type: integer `5`, expected a string"],
    [{ model: 1.5 }, ["model"], "invalid type: floating point `1.5`, expected a string"],
    [{ model: true }, ["model"], "invalid type: boolean `true`, expected a string"],
    [{ model: ["a"] }, ["model"], "invalid type: sequence, expected a string"],
    [{ model: { a: 1 } }, ["model"], "invalid type: map, expected a string"],
    [{ notify: "x" }, ["notify"], 'invalid type: string "x", expected a sequence'],
    [{ notify: ["a", 1] }, ["notify", "1"], "invalid type: integer `1`, expected a string"],
    [{ history: 1 }, ["history"], "invalid type: integer `1`, expected a table"],
    [
      { history: { persistence: "x" } },
      ["history", "persistence"],
      "unknown variant `x`, expected `save-all` or `none`"
    ],
    [{ approval_policy: "x" }, ["approval_policy"], `unknown variant \`x\`, expected one of ${policies}`],
    [{ approval_policy: 3 }, ["approval_policy"], "invalid type: integer `3`, expected a string or a table"],
    [{ approval_policy: { granular: {} } }, ["approval_policy", "granular"], "missing field `sandbox_approval`"],
    [{ project_doc_max_bytes: -1 }, ["project_doc_max_bytes"], "invalid value: integer `-1`, expected usize"],
    [{ mcp_oauth_callback_port: 70_000 }, ["mcp_oauth_callback_port"], "invalid value: integer `70000`, expected u16"],
    [{ model_context_window: "x" }, ["model_context_window"], 'invalid type: string "x", expected i64'],
    [{ model_reasoning_effort: "" }, ["model_reasoning_effort"], "reasoning_effort must not be empty"],
    [
      { model_providers: { x: { wire_api: "foo" } } },
      ["model_providers", "x", "wire_api"],
      "unknown variant `foo`, expected `responses`"
    ],
    [
      { model_providers: { x: { wire_api: "chat" } } },
      ["model_providers", "x", "wire_api"],
      '`wire_api = "chat"` is no longer supported.\nHow to fix: set `wire_api = "responses"` in your provider config.'
    ]
  ])("names the setting and the expected type: %j", (settings, path, detail) => {
    assert.deepStrictEqual(check(keys, settings), { path, detail })
  })

  it("repeats only the beginning of a long text", () => {
    const problem = check(keys, { model_providers: { x: { http_headers: "s".repeat(500) } } })
    assert.strictEqual(problem?.detail, `invalid type: string "${"s".repeat(32)}…", expected a map`)
  })

  it("ignores unknown keys and the sections of other programs", () => {
    assert.strictEqual(check(keys, { no_such: 1, tui: { anything: [1, "a"] }, features: { x: { y: 1 } } }), undefined)
  })

  it.prop("never throws", [Schema.Record(Schema.String, Schema.Json)], ([settings]) => {
    check(keys, settings)
  })
})

describe("unknownKeys", () => {
  it("finds unknown keys at any depth, but not in sections that are passed on", () => {
    assert.deepStrictEqual(
      unknownKeys(keys, {
        modle: "x",
        model_providers: { x: { name: "X", base_ulr: "y" } },
        approval_policy: { granular: { sandbox_approval: true, rules: true, mcp_elicitations: true, more: 1 } },
        features: { new_one: true },
        tui: { zork: 1 }
      }),
      ["modle", "model_providers.x.base_ulr", "approval_policy.granular.more"]
    )
  })
})

describe("complete", () => {
  it("adds the defaults of settings that are not set, and leaves out unknown keys", () => {
    const completed = complete(keys, {
      no_such: 1,
      sandbox_workspace_write: { network_access: true },
      approval_policy: { granular: { sandbox_approval: true, rules: false, mcp_elicitations: true } },
      features: { memories: true, mine: true }
    })
    assert.isTrue(isTable(completed))
    if (!isTable(completed)) return
    const { approval_policy, features, history, model, no_such, sandbox_workspace_write } = completed
    assert.deepStrictEqual(
      { approval_policy, history, model, no_such, sandbox_workspace_write },
      {
        approval_policy: {
          granular: {
            sandbox_approval: true,
            rules: false,
            skill_approval: false,
            request_permissions: false,
            mcp_elicitations: true
          }
        },
        history: { persistence: "save-all", max_bytes: null },
        model: null,
        no_such: undefined,
        sandbox_workspace_write: {
          writable_roots: [],
          network_access: true,
          exclude_tmpdir_env_var: false,
          exclude_slash_tmp: false
        }
      }
    )
    assert.deepInclude(features, { memories: true, mine: true, mentions_v2: true, network_proxy: null })
  })

  it("completes the servers of a configuration", () => {
    const completed = complete(keys, { model_providers: { x: { name: "X", request_max_retries: 2 } } })
    assert.deepStrictEqual(isTable(completed) ? completed["model_providers"] : undefined, {
      x: {
        name: "X",
        base_url: null,
        model_catalog_url: null,
        env_key: null,
        env_key_instructions: null,
        experimental_bearer_token: null,
        auth: null,
        gateway_oauth: null,
        aws: null,
        project_id: null,
        location: null,
        credential_file: null,
        wire_api: "responses",
        capabilities: null,
        query_params: null,
        http_headers: null,
        env_http_headers: null,
        request_max_retries: 2,
        stream_max_retries: null,
        stream_idle_timeout_ms: null,
        websocket_connect_timeout_ms: null,
        requires_openai_auth: false,
        supports_websockets: false,
        supports_standalone_web_search: false
      }
    })
  })
})

describe("normalize", () => {
  it("resolves paths and replaces former names, and changes nothing else", () => {
    assert.deepStrictEqual(
      normalize(
        keys,
        {
          model: "rel",
          approval_policy: "on-failure",
          log_dir: "logs",
          sandbox_workspace_write: { writable_roots: ["a", "b"] },
          no_such: "c"
        },
        (path) => `/home/${path}`
      ),
      {
        model: "rel",
        approval_policy: "on-request",
        log_dir: "/home/logs",
        sandbox_workspace_write: { writable_roots: ["/home/a", "/home/b"] },
        no_such: "c"
      }
    )
  })
})
