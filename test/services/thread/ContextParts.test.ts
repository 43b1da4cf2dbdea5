import { assert, describe, it } from "@effect/vitest"
import type { ResponseItem } from "../../../src/protocol/v2/item/ResponseItem.ts"
import { type ContextFacts, contextEntries, isContext } from "../../../src/services/thread/ContextParts.ts"
import { permissionText } from "../../../src/services/thread/PermissionText.ts"
import { settings } from "../../../src/testing/ThreadEvents.ts"

const facts: ContextFacts = {
  settings: { ...settings, cwd: "/work", environments: null, sandboxPolicy: { type: "dangerFullAccess" } },
  developer: "Be brief.",
  permissions: true,
  agents: "Use tabs.",
  environment: { date: "2026-11-21", timeZone: "Europe/Berlin" }
}

const message = (role: string, ...texts: ReadonlyArray<string>): ResponseItem => ({
  type: "message",
  role,
  content: texts.map((text) => ({ type: "input_text", text }))
})

const agents = (title: string, text: string) =>
  `# AGENTS.md instructions${title}\n\n<INSTRUCTIONS>\n${text}\n</INSTRUCTIONS>`

const environment = (cwd: string, profile: string) =>
  [
    "<environment_context>",
    `  <cwd>${cwd}</cwd>`,
    "  <shell>bash</shell>",
    "  <current_date>2026-11-21</current_date>",
    "  <timezone>Europe/Berlin</timezone>",
    `  <filesystem><workspace_roots><root>${cwd}</root></workspace_roots>${profile}</filesystem>`,
    "</environment_context>"
  ].join("\n")

const unrestricted = `<permission_profile type="disabled"><file_system type="unrestricted" /></permission_profile>`

const first = [
  message("developer", "Be brief.", permissionText(facts.settings)),
  message("user", agents(" for /work", "Use tabs."), environment("/work", unrestricted))
]

const inPlanMode = (text: string): ContextFacts => ({
  ...facts,
  settings: {
    ...facts.settings,
    collaborationMode: {
      mode: "plan",
      settings: { model: "m", reasoning_effort: null, developer_instructions: text }
    }
  }
})

const modeOf = (text: string) => message("developer", `<collaboration_mode>${text}</collaboration_mode>`)

describe("the context of a turn", () => {
  it("is told in full in front of the first message, with one part per subject", () => {
    assert.deepStrictEqual(contextEntries([], facts), first)
  })

  it("is not told again while it stays the same", () => {
    assert.deepStrictEqual(contextEntries([...first, message("user", "hello")], facts), [])
  })

  it("is told again as far as it has changed, and only once", () => {
    const planning = contextEntries(first, inPlanMode("PLAN"))
    assert.deepStrictEqual(planning, [modeOf("PLAN")])
    assert.deepStrictEqual(contextEntries([...first, ...planning], inPlanMode("PLAN")), [])
    const back = [...first, ...planning, modeOf("WORK")]
    assert.deepStrictEqual(contextEntries(back, inPlanMode("PLAN")), [modeOf("PLAN")])
  })

  it("withdraws the instructions of a folder that the thread has left", () => {
    const moved = { ...facts, agents: null, settings: { ...facts.settings, cwd: "/other" } }
    assert.deepStrictEqual(contextEntries(first, moved), [
      message(
        "user",
        agents("", "The previously provided AGENTS.md instructions no longer apply."),
        environment("/other", unrestricted)
      )
    ])
  })

  it("is told again when a compaction has removed it", () => {
    assert.deepStrictEqual(contextEntries([message("user", "a summary")], facts), first)
  })

  it("does not let the name of a folder end its element", () => {
    const cwd = "/a&b</cwd><x>"
    const settings = { ...facts.settings, cwd }
    const [entry] = contextEntries([], { ...facts, settings, developer: null, permissions: false, agents: null })
    assert.deepStrictEqual(entry, message("user", environment("/a&amp;b&lt;/cwd&gt;&lt;x&gt;", unrestricted)))
  })

  it("describes what the sandbox lets commands write", () => {
    const sandboxPolicy = {
      type: "workspaceWrite" as const,
      writableRoots: ["/opt/x"],
      networkAccess: false,
      excludeSlashTmp: true,
      excludeTmpdirEnvVar: false
    }
    const settings = { ...facts.settings, sandboxPolicy }
    const entries = ["write:/work", "write:/opt/x", "write::tmpdir", ...["/work", "/opt/x"].flatMap(protectedIn)]
    const profile = `<permission_profile type="managed"><file_system type="restricted">${["read::root", ...entries].map(element).join("")}</file_system></permission_profile>`
    const [entry] = contextEntries([], { ...facts, settings, developer: null, permissions: false, agents: null })
    assert.deepStrictEqual(entry, message("user", environment("/work", profile)))
  })

  it("is no message of the user", () => {
    assert.deepStrictEqual([...first.slice(1), message("user", "hello"), modeOf("x")].map(isContext), [
      true,
      false,
      true
    ])
  })
})

const protectedIn = (root: string) => [".git", ".agents", ".codex", ".aws"].map((name) => `read:${root}/${name}`)

const element = (text: string) => {
  const at = text.indexOf(":")
  const path = text.slice(at + 1)
  const inner = path.startsWith(":") ? `<special>${path}</special>` : `<path>${path}</path>`
  return `<entry access="${text.slice(0, at)}">${inner}</entry>`
}
