/**
 * The requests of the release, sent to the released server: its answers decode, and it refuses what this package refuses.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import type { WireSchema } from "../../src/protocol/Method.ts"
import type { ReleasedRequestMethod, ReleasedRequestParams } from "../../src/protocol/Methods.ts"
import { releasedRequestTable } from "../../src/protocol/ReleasedTable.ts"
import { mismatch } from "../../src/services/decoding/Mismatch.ts"
import { connect } from "./policy/Peer.ts"
import { binary } from "./Release.ts"

interface Declaration {
  readonly params: WireSchema | undefined
  readonly result: WireSchema
}

const declarations: Readonly<Record<string, Declaration>> = releasedRequestTable

/** A released server with an empty home and no network, and a folder for its files. */
const released = Effect.gen(function* () {
  const cache = join(homedir(), ".cache", "spindle-test")
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => {
      mkdirSync(cache, { recursive: true })
      return mkdtempSync(join(cache, "answers-"))
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    CODEX_HOME: folder,
    TMPDIR: tmpdir(),
    HTTPS_PROXY: "http://127.0.0.1:9",
    HTTP_PROXY: "http://127.0.0.1:9"
  }
  return { folder, peer: yield* connect({ command: [binary(), "app-server"], cwd: folder, environment }) }
})

interface Ask {
  readonly method: ReleasedRequestMethod
  readonly params: unknown
}

const ask = <M extends ReleasedRequestMethod>(method: M, params: ReleasedRequestParams<M>): Ask => ({ method, params })

/** Requests that a server without an account answers with a result, in an order in which they succeed. */
const answered = (folder: string): ReadonlyArray<Ask> => [
  ask("account/bedrock/checkGovCloudRequirements", {}),
  ask("account/bedrock/discover", {}),
  ask("account/gatewayOAuth/cancel", undefined),
  ask("account/gatewayOAuth/read", null),
  ask("account/login/start", { type: "apiKey", apiKey: "a key" }),
  ask("account/logout", undefined),
  ask("account/securitySetup/read", undefined),
  ask("accountSession/list", {}),
  ask("app/installed", {}),
  ask("app/list", {}),
  ask("app/read", { appIds: ["none"] }),
  ask("collaborationMode/list", {}),
  ask("command/exec", { command: ["echo", "a"], sandboxPolicy: { type: "dangerFullAccess" } }),
  ask("config/batchWrite", { edits: [{ keyPath: "model", value: "a", mergeStrategy: "upsert" }] }),
  ask("config/mcpServer/reload", undefined),
  ask("config/value/write", { keyPath: "model", value: "b", mergeStrategy: "replace" }),
  ask("environment/info", { environmentId: "local" }),
  ask("environment/status", { environmentId: "none" }),
  ask("experimentalFeature/enablement/set", { enablement: {} }),
  ask("experimentalFeature/list", { limit: 200 }),
  ask("externalAgentConfig/detect", { includeHome: true }),
  ask("externalAgentConfig/import", { migrationItems: [] }),
  ask("externalAgentConfig/import/recordHistory", {
    providerId: "p",
    itemTypeResults: [{ itemType: "CONFIG", successes: [{ itemType: "CONFIG" }], failures: [] }]
  }),
  ask("externalAgentConfig/import/readHistories", undefined),
  ask("feedback/save", { savePath: join(folder, "feedback.zip"), classification: "bug" }),
  ask("fs/createDirectory", { path: join(folder, "made") }),
  ask("fs/writeFile", { path: join(folder, "made", "file"), dataBase64: "YQ==" }),
  ask("fs/readFile", { path: join(folder, "made", "file") }),
  ask("fs/getMetadata", { path: join(folder, "made") }),
  ask("fs/readDirectory", { path: join(folder, "made") }),
  ask("fs/watch", { watchId: "w", path: folder }),
  ask("fs/unwatch", { watchId: "w" }),
  ask("fs/copy", { sourcePath: join(folder, "made"), destinationPath: join(folder, "copied"), recursive: true }),
  ask("fs/remove", { path: join(folder, "copied") }),
  ask("fuzzyFileSearch", { query: "fi", roots: [join(folder, "made")] }),
  ask("fuzzyFileSearch/sessionStart", { sessionId: "s", roots: [folder] }),
  ask("fuzzyFileSearch/sessionUpdate", { sessionId: "s", query: "a" }),
  ask("fuzzyFileSearch/sessionStop", { sessionId: "s" }),
  ask("getAuthStatus", {}),
  ask("hooks/list", {}),
  ask("marketplace/upgrade", {}),
  ask("mcpServerStatus/list", {}),
  ask("memory/reset", undefined),
  ask("memory/status", {}),
  ask("mock/experimentalMethod", { value: "a" }),
  ask("model/list", {}),
  ask("modelProvider/capabilities/read", {}),
  ask("modelProvider/config/write", { settings: { type: "customGateway", name: "G", baseUrl: "http://127.0.0.1:9" } }),
  ask("modelProvider/list", {}),
  ask("permissionProfile/list", {}),
  ask("plugin/installed", {}),
  ask("plugin/list", {}),
  ask("plugin/reconcile", {}),
  ask("plugin/search", { searchTerm: "a" }),
  ask("process/spawn", { command: ["true"], processHandle: "h", cwd: folder }),
  ask("project/create", { name: "p", roots: [{ path: folder }], idempotencyKey: "k" }),
  ask("project/list", {}),
  ask("remoteControl/status/read", undefined),
  ask("rollout/compress", undefined),
  ask("server/diagnostics", {}),
  ask("skills/config/write", { name: "s", enabled: false }),
  ask("skills/extraRoots/set", { extraRoots: [folder] }),
  ask("skills/list", {}),
  ask("thread/realtime/listVoices", {}),
  ask("userVerification/cancel", { requestId: 1 }),
  ask("userVerification/status", {}),
  ask("windowsSandbox/readiness", undefined)
]

/** Where the text of the release differs. */
const otherTexts: ReadonlyArray<{ readonly request: RegExp; readonly because: string }> = [
  {
    request: /^feedback\/save /,
    because: "the release reads `savePath` first, whatever the order of the members"
  }
]

interface Wrong {
  readonly method: string
  readonly params: unknown
  readonly text: string
}

/** Parameters that this package refuses: no member, a member of each wrong type. Lists stand for objects in the release. */
const wrongOnes = (): ReadonlyArray<Wrong> =>
  Object.entries(declarations).flatMap(([method, { params }]): ReadonlyArray<Wrong> => {
    if (params === undefined || method === "initialize") return []
    const schema = params()
    const ast = SchemaAST.toEncoded(schema.ast)
    const objects = (SchemaAST.isUnion(ast) ? ast.types : [ast]).filter(SchemaAST.isObjects)
    const names = new Set(objects.flatMap((object) => object.propertySignatures.map(({ name }) => String(name))))
    const values: ReadonlyArray<unknown> = [true, 1.5, "x", {}, -1]
    const members = [...names].flatMap((name) => values.map((value) => ({ [name]: value })))
    return [{}, "x", 1.5, true, ...members].flatMap((wrong) => {
      if (Exit.isSuccess(Schema.decodeUnknownExit(schema)(wrong))) return []
      return [{ method, params: wrong, text: `Invalid request: ${mismatch(schema.ast, wrong)}` }]
    })
  })

describe("the released server", () => {
  it.live("gives answers that decode, without a member that is not declared", () =>
    Effect.gen(function* () {
      const { folder, peer } = yield* released
      const faults: Array<string> = []
      for (const { method, params } of answered(folder)) {
        const { error, result } = yield* peer.request(method, params)
        const schema = declarations[method]?.result()
        assert.isDefined(schema)
        if (schema === undefined) continue
        if (error !== undefined) faults.push(`${method}: ${error.message}`)
        const read = Schema.decodeUnknownExit(schema)(result, { onExcessProperty: "error" })
        if (error === undefined && Exit.isFailure(read)) faults.push(`${method}: ${String(read.cause)}`)
      }
      assert.deepStrictEqual(faults, [])
    }).pipe(Effect.scoped)
  )

  it.live("refuses the parameters that this package refuses, with the same text", () =>
    Effect.gen(function* () {
      const { peer } = yield* released
      const wrong = wrongOnes()
      const others = yield* Effect.forEach(
        wrong,
        Effect.fnUntraced(function* ({ method, params, text }) {
          const { error } = yield* peer.request(method, params)
          const theirs = error?.message ?? "accepted"
          return theirs === text ? [] : [`${method} ${JSON.stringify(params)}: ${theirs}, here ${text}`]
        }),
        { concurrency: 16 }
      )
      assert.isAbove(wrong.length, 2000)
      const found = others.flat()
      assert.deepStrictEqual(
        found.filter((line) => !otherTexts.some(({ request }) => request.test(line))),
        []
      )
      assert.deepStrictEqual(
        otherTexts.filter(({ request }) => !found.some((line) => request.test(line))),
        []
      )
    }).pipe(Effect.scoped)
  )
})
