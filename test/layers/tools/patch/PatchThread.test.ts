import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import { decide } from "../../../../src/layers/tools/patch/Decision.ts"
import { MaxFileBytes } from "../../../../src/layers/tools/patch/FileReading.ts"
import { find, isBarePatch } from "../../../../src/layers/tools/patch/HereDocument.ts"
import type { FileChangeApprovalDecision } from "../../../../src/protocol/v2/approval/Approval.ts"
import type { AskForApproval, SandboxPolicy } from "../../../../src/protocol/v2/thread/Settings.ts"
import { AskFailed, type ToolTurn } from "../../../../src/services/tool/Tool.ts"
import { addOne, folderWith, patch, shown, tree } from "./PatchFolder.ts"

const workspace: SandboxPolicy = {
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: true,
  excludeSlashTmp: true
}
const readOnly: SandboxPolicy = { type: "readOnly", networkAccess: false }
const free: SandboxPolicy = { type: "dangerFullAccess" }
const granular = (sandbox_approval: boolean): AskForApproval => ({
  granular: { sandbox_approval, rules: true, skill_approval: true, request_permissions: true, mcp_elicitations: true }
})

/** Answers the approval requests in turn, and keeps their parameters. */
const answering = (...answers: ReadonlyArray<FileChangeApprovalDecision | AskFailed>) => {
  const asked: Array<unknown> = []
  const ask: ToolTurn["ask"] = (method, params) =>
    Effect.suspend(() => {
      const answer = answers[asked.length] ?? "decline"
      asked.push([method, params])
      // Only approvals of patches are requested.
      return typeof answer === "string" ? Effect.succeed({ decision: answer } as never) : Effect.fail(answer)
    })
  return { asked, ask }
}

describe("the decision about a patch", () => {
  const refusedInReadOnly =
    "patch rejected: writing is blocked by read-only sandbox; rejected by user approval settings"
  const refusedOutside = "patch rejected: writing outside of the project; rejected by user approval settings"
  const rows: ReadonlyArray<readonly [AskForApproval, SandboxPolicy, permitted: boolean, approved: boolean, string]> = [
    ["untrusted", free, true, false, "ask"],
    ["untrusted", free, true, true, "apply"],
    ["untrusted", workspace, false, false, "ask"],
    ["on-request", workspace, true, false, "apply"],
    ["on-request", workspace, false, false, "ask"],
    ["on-request", workspace, false, true, "apply"],
    ["on-request", readOnly, false, false, "ask"],
    ["on-request", free, true, false, "apply"],
    ["never", workspace, true, false, "apply"],
    ["never", workspace, false, true, refusedOutside],
    ["never", readOnly, false, false, refusedInReadOnly],
    ["never", free, true, false, "apply"],
    [granular(true), readOnly, false, false, "ask"],
    [granular(false), readOnly, false, true, refusedInReadOnly],
    [granular(false), workspace, false, false, refusedOutside],
    [granular(false), workspace, true, false, "apply"]
  ]
  it.each(rows)(
    "under %j with %j is that of the released server",
    (approvalPolicy, sandboxPolicy, isPermitted, approvedForSession, expected) => {
      const decision = decide({ approvalPolicy, sandboxPolicy, isPermitted, approvedForSession })
      assert.strictEqual(decision.type === "refuse" ? decision.text : decision.type, expected)
    }
  )
})

describe("a patch that needs approval", () => {
  it.effect("is applied when it is accepted: item, request, end of the item, diff", () =>
    Effect.gen(function* () {
      const { apply, cwd, turn } = yield* folderWith()
      const { ask, asked } = answering("accept")
      const events = turn({ approvalPolicy: "on-request", sandboxPolicy: readOnly, ask })
      const outcome = yield* apply(addOne("f"), events)
      const changes = [{ path: Path.join(cwd, "f"), kind: { type: "add" }, diff: "1\n" }]
      assert.isTrue(outcome.success)
      assert.deepStrictEqual(asked, [
        ["item/fileChange/requestApproval", { itemId: "call-1", reason: null, grantRoot: null }]
      ])
      assert.deepStrictEqual(shown(events.published).slice(0, 2), [
        ["started", "inProgress", changes],
        ["completed", "completed", changes]
      ])
      assert.deepStrictEqual(tree(cwd), { f: '"1\\n"' })
    })
  )

  const refusals = [
    ["decline", "patch rejected by user", "declined"],
    [new AskFailed({ method: "m", reason: "error" }), "approval request failed", "declined"],
    [new AskFailed({ method: "m", reason: "malformed" }), "approval request failed", "declined"]
  ] as const
  it.effect.each(refusals)("changes nothing when the answer is %s", ([answer, text, status]) =>
    Effect.gen(function* () {
      const { apply, cwd, turn } = yield* folderWith()
      const events = turn({ approvalPolicy: "untrusted", ...answering(answer) })
      assert.deepStrictEqual(yield* apply(addOne("f"), events), { text, success: false })
      assert.deepStrictEqual(
        events.published.map((entry) =>
          entry.type === "completed" && "status" in entry.item ? entry.item.status : null
        ),
        [null, status]
      )
      assert.deepStrictEqual(tree(cwd), {})
    })
  )

  it.effect("cancels the turn, and leaves its item open, when it is cancelled", () =>
    Effect.gen(function* () {
      const { apply, cwd, turn } = yield* folderWith()
      const events = turn({ approvalPolicy: "untrusted", ...answering("cancel") })
      const error = yield* Effect.flip(apply(addOne("f"), events))
      assert.strictEqual(error._tag, "TurnCancelled")
      assert.strictEqual(events.published.length, 1)
      assert.deepStrictEqual(tree(cwd), {})
    })
  )

  it.effect("is not asked about again when all of its files were accepted for the session", () =>
    Effect.gen(function* () {
      const { apply, turn } = yield* folderWith()
      const { ask, asked } = answering("acceptForSession")
      const events = () => turn({ approvalPolicy: "untrusted", ask })
      const both = patch("*** Add File: a", "+1", "*** Add File: b", "+1")
      const moved = patch("*** Update File: a", "*** Move to: c", "@@", "-1", "+2")
      const outcomes = yield* Effect.forEach([both, addOne("b"), addOne("c"), moved], (text) => apply(text, events()))
      assert.deepStrictEqual(
        outcomes.map(({ success }) => success),
        [true, true, false, false]
      )
      assert.strictEqual(asked.length, 3)
    })
  )

  it.effect("says where a link leads to, because its item does not", () =>
    Effect.gen(function* () {
      const outside = yield* folderWith()
      const { apply, cwd, turn } = yield* folderWith({ l: { link: outside.cwd } })
      const { ask, asked } = answering("accept")
      const outcome = yield* apply(addOne("l/f"), turn({ approvalPolicy: "on-request", sandboxPolicy: workspace, ask }))
      assert.isTrue(outcome.success)
      assert.deepStrictEqual(asked, [
        [
          "item/fileChange/requestApproval",
          {
            itemId: "call-1",
            reason: `${Path.join(cwd, "l/f")} leads to ${Path.join(outside.cwd, "f")}`,
            grantRoot: null
          }
        ]
      ])
    })
  )
})

describe("a patch without approval", () => {
  const outside = [
    ["the parent folder", "../f"],
    ["an absolute path", "/var/tmp/f"],
    ["the data of the repository", ".git/config"],
    ["the settings of agents", ".agents/f"],
    ["a link to another folder", "out/f"],
    ["the way through a link and back", "in/../../f"]
  ] as const
  it.effect.each(outside)("does not reach %s", ([, path]) =>
    Effect.gen(function* () {
      const { apply, cwd, turn } = yield* folderWith({ "in/x": "1\n", out: { link: "/var/tmp" } })
      const before = tree(cwd)
      const outcome = yield* apply(addOne(path), turn({ approvalPolicy: "never", sandboxPolicy: workspace }))
      assert.strictEqual(
        outcome.text,
        "patch rejected: writing outside of the project; rejected by user approval settings"
      )
      assert.deepStrictEqual(tree(cwd), before)
    })
  )

  const unsuitable = [
    ["a link", { f: { link: "x" }, x: "1\n" }, "it is a symbolic link; name the file that it leads to"],
    ["a binary file", { f: "1\n\0" }, "it is not a text file: it contains a NUL byte"],
    ["invalid UTF-8", { f: "1\n\xff" }, "invalid utf-8 sequence of 1 bytes from index 2"],
    ["truncated UTF-8", { f: "1\n\xe2\x82" }, "incomplete utf-8 byte sequence from index 2"],
    ["a file that is too large", { f: "1\n".repeat(MaxFileBytes / 2 + 1) }, `it is larger than ${MaxFileBytes} bytes`],
    ["a file with too many lines", { f: "1\n".repeat(300_001) }, "it has more than 300000 lines"]
  ] as const
  it.effect.each(unsuitable)("does not change %s", ([, files, reason]) =>
    Effect.gen(function* () {
      const { apply, cwd, turn } = yield* folderWith(files)
      const before = tree(cwd)
      for (const [lines, prefix] of [
        [["*** Update File: f", "@@", "-1", "+2"], "Failed to read file to update"],
        [["*** Delete File: f"], "Failed to read"],
        [["*** Add File: f", "+2"], "Failed to write file"]
      ] as const) {
        const { success, text } = yield* apply(patch(...lines), turn())
        assert.deepStrictEqual(
          { success, text },
          { success: false, text: `apply_patch verification failed: ${prefix} ${Path.join(cwd, "f")}: ${reason}` }
        )
      }
      assert.deepStrictEqual(tree(cwd), before)
    })
  )

  it.effect("changes each file once, under every name", () =>
    Effect.gen(function* () {
      const { apply, cwd, turn } = yield* folderWith({ a: "1\n", b: "1\n", "d/x": "1\n", l: { link: "d" } })
      const before = tree(cwd)
      const update = (path: string, ...move: ReadonlyArray<string>) => [
        `*** Update File: ${path}`,
        ...move,
        "@@",
        "-1",
        "+2"
      ]
      for (const lines of [
        [...update("a", "*** Move to: b"), ...update("b")],
        [...update("a", "*** Move to: c"), ...update("b", "*** Move to: c")],
        [...update("d/x"), ...update("l/x")],
        [...update("a", "*** Move to: b"), "*** Delete File: b"]
      ]) {
        const { text } = yield* apply(patch(...lines), turn())
        assert.match(text, /^apply_patch verification failed: invalid patch: multiple operations target \/\S+$/)
      }
      assert.deepStrictEqual(tree(cwd), before)
    })
  )

  it.effect("keeps a file that is moved to itself", () =>
    Effect.gen(function* () {
      const { apply, cwd, turn } = yield* folderWith({ a: "1\n" })
      yield* apply(patch("*** Update File: a", "*** Move to: ./a", "@@", "-1", "+2"), turn())
      assert.deepStrictEqual(tree(cwd), { a: '"2\\n"' })
    })
  )
})

describe("a command line", () => {
  const text = addOne("f")
  const document = (rest: string) => `apply_patch ${rest}`
  const patches = [
    [document(`<<'EOF'\n${text}EOF\n`), null],
    [document(`<<EOF\n${text}EOF`), null],
    [`applypatch <<"X"\n${text}X\n`, null],
    [`\n\n  apply_patch <<'EOF'\n${text}EOF\n\n`, null],
    [`X=1 apply_patch <<'EOF'\n${text}EOF\n`, null],
    [`cd sub && apply_patch <<'EOF'\n${text}EOF\n`, "sub"],
    [`cd 's b' && apply_patch <<'EOF'\n${text}EOF\n`, "s b"],
    [`cd "s b" && apply_patch <<'EOF'\n${text}EOF\n`, "s b"]
  ] as const
  it.each(patches)("is a patch: %j", (line, folder) => {
    assert.deepStrictEqual(find(line), { text, folder })
  })

  const commands = [
    `cd sub; apply_patch <<'EOF'\n${text}EOF\n`,
    `cd $HOME && apply_patch <<'EOF'\n${text}EOF\n`,
    `cd a b && apply_patch <<'EOF'\n${text}EOF\n`,
    `cd ~ && apply_patch <<'EOF'\n${text}EOF\n`,
    `cd - && apply_patch <<'EOF'\n${text}EOF\n`,
    `cd s && cd t && apply_patch <<'EOF'\n${text}EOF\n`,
    `cd s || apply_patch <<'EOF'\n${text}EOF\n`,
    `echo x && apply_patch <<'EOF'\n${text}EOF\n`,
    `rm -rf / && apply_patch <<'EOF'\n${text}EOF\n`,
    `apply_patch <<'EOF' && rm -rf /\n${text}EOF\n`,
    `apply_patch <<'EOF'\n${text}EOF\nrm -rf /\n`,
    `apply_patch <<'EOF' 2>&1\n${text}EOF\n`,
    `apply_patch <<'EOF' &\n${text}EOF\n`,
    `! apply_patch <<'EOF'\n${text}EOF\n`,
    `(apply_patch <<'EOF'\n${text}EOF\n)`,
    `cat <<'EOF' | apply_patch\n${text}EOF\n`,
    `apply_patch x <<'EOF'\n${text}EOF\n`,
    `apply_patch <<'EOF' <<'X'\n${text}EOF\nX\n`,
    `apply_patch <<< '${text}'`,
    `apply_patch '${text}'`,
    `'apply_patch' <<'EOF'\n${text}EOF\n`,
    `/bin/apply_patch <<'EOF'\n${text}EOF\n`,
    `bash -c "apply_patch <<'EOF'\n${text}EOF"`,
    `# x\napply_patch <<'EOF'\n${text}EOF\n`,
    "apply_patch",
    "echo apply_patch",
    `apply_patch <<'EOF'\n${text}`.repeat(20_000)
  ]
  it.each(commands)("is left to the shell: %j", (line) => {
    assert.isUndefined(find(line))
  })

  it("that is only the text of a patch is recognised as a mistake", () => {
    assert.deepStrictEqual([text, `\n ${text}`, `${text}ls`, "ls"].map(isBarePatch), [true, true, false, false])
  })
})
