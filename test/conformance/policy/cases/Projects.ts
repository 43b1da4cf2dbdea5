/**
 * The configuration in a project, and whether the user trusts it.
 *
 * @module
 */
import type { Case, Files } from "../Case.ts"
import { onRequest, rule, ruled, untrusted } from "./Rule.ts"

const touch = { call: { cmd: "touch {mark}" } }

const trusts = ["trusted", "untrusted", undefined] as const

const project = (name: string, files: Files, start: object, extra: Partial<Case> = {}): ReadonlyArray<Case> =>
  trusts.map((trust) => ({
    name: `a project that is ${trust ?? "unknown"}: ${name}`,
    world: {},
    project: { files, ...(trust === undefined ? {} : { trust }) },
    start,
    steps: [touch],
    ...extra
  }))

const config = (text: string): Files => ({ ".codex/config.toml": text })

export const cases: ReadonlyArray<Case> = [
  ...project("forbids", { ".codex/rules/default.rules": rule("forbidden", "touch") }, onRequest),
  ...project("allows", { ".codex/rules/default.rules": rule("allow", "touch") }, untrusted),
  ...project("allows in another file", { ".codex/rules/mine.rules": rule("allow", "touch") }, untrusted),
  ...project("forbids in another file", { ".codex/rules/mine.rules": rule("forbidden", "touch") }, onRequest),
  ...project("allows what the user forbids", { ".codex/rules/default.rules": rule("allow", "touch") }, onRequest, {
    world: ruled(rule("forbidden", "touch"))
  }),
  ...project("forbids what the user allows", { ".codex/rules/default.rules": rule("forbidden", "touch") }, onRequest, {
    world: ruled(rule("allow", "touch"))
  }),
  ...project("broken rules", { ".codex/rules/default.rules": "prefix_rule(" }, onRequest),
  ...project(
    "rules with a function",
    {
      ".codex/rules/default.rules":
        'def no(w):\n    prefix_rule(pattern = [w], decision = "forbidden")\n\nno("touch")\n'
    },
    onRequest
  ),
  ...project(
    "sets full access",
    config('sandbox_mode = "danger-full-access"\napproval_policy = "never"\n'),
    {},
    {
      world: { config: 'sandbox_mode = "read-only"\napproval_policy = "on-request"\n' }
    }
  ),
  ...project(
    "sets full access, the user nothing",
    config('sandbox_mode = "danger-full-access"\napproval_policy = "never"\n'),
    {},
    {
      world: { config: "# nothing" }
    }
  ),
  ...project("sets read-only", config('sandbox_mode = "read-only"\n'), {}),
  ...project("sets the profile that reads", config('default_permissions = ":read-only"\n'), {}),
  ...project(
    "sets read-only over a profile",
    config('sandbox_mode = "read-only"\n'),
    {},
    {
      world: { config: 'default_permissions = ":danger-full-access"\napproval_policy = "never"\n' }
    }
  ),
  ...project("asks", config('approval_policy = "on-request"\n'), {}),
  ...project(
    "never asks, in a workspace",
    config('approval_policy = "never"\n'),
    {},
    {
      world: { config: 'sandbox_mode = "workspace-write"\napproval_policy = "on-request"\n' }
    }
  ),
  ...project("is not TOML", config("sandbox_mode =\n"), {}),
  ...project("has a mode that is unknown", config('sandbox_mode = "read-onl"\n'), {}),
  ...project(
    "keeps variables back",
    config('[shell_environment_policy]\nexclude = ["PLAIN"]\n'),
    {},
    {
      steps: [{ call: { cmd: "/usr/bin/env", login: false } }],
      secrets: ["PLAIN"],
      world: { environment: { PLAIN: "canary-PLAIN" } }
    }
  ),
  ...project(
    "sets variables",
    config('[shell_environment_policy.set]\nADDED = "yes"\n'),
    {},
    {
      steps: [{ call: { cmd: "/usr/bin/env", login: false } }],
      secrets: ["ADDED", "GITHUB_TOKEN"],
      world: { environment: { GITHUB_TOKEN: "canary-GITHUB_TOKEN" } }
    }
  ),
  ...project(
    "lets everything be inherited",
    config('[shell_environment_policy]\nignore_default_excludes = true\ninherit = "all"\n'),
    {},
    {
      steps: [{ call: { cmd: "/usr/bin/env", login: false } }],
      secrets: ["GITHUB_TOKEN"],
      world: {
        tables: "[shell_environment_policy]\nignore_default_excludes = false\n",
        environment: { GITHUB_TOKEN: "canary-GITHUB_TOKEN" }
      }
    }
  )
]
