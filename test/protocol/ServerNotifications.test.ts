import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Reach, ServerNotification, Tier, WireSchema } from "../../src/protocol/Method.ts"
import { type ServerNotificationMethod, serverNotificationTable } from "../../src/protocol/Methods.ts"

interface Declaration {
  readonly method: string
  readonly params: WireSchema
  readonly tier: Tier
  readonly reach: Reach
  readonly stability: string
  readonly key: ((params: never) => string) | undefined
}

const declarations: ReadonlyArray<Declaration> = Object.entries(serverNotificationTable).map(
  ([method, declaration]) => ({
    method,
    params: declaration.params,
    tier: declaration.tier,
    reach: declaration.reach,
    stability: declaration.stability,
    key: (declaration as ServerNotification<WireSchema>).key
  })
)

const named = (select: (declaration: Declaration) => boolean): ReadonlyArray<string> =>
  declarations
    .filter(select)
    .map(({ method }) => method)
    .sort()

/** The keys of two snapshots of one method. */
const keysOf = <M extends ServerNotificationMethod>(
  method: M,
  ...each: ReadonlyArray<
    Parameters<NonNullable<ServerNotification<(typeof serverNotificationTable)[M]["params"]>["key"]>>[0]
  >
): ReadonlyArray<string | undefined> => {
  const declaration: ServerNotification<(typeof serverNotificationTable)[M]["params"]> = serverNotificationTable[method]
  return each.map((params) => declaration.key?.(params))
}

describe("ServerNotifications", () => {
  it("declares the 86 of the release", () => {
    assert.strictEqual(declarations.length, 86)
  })

  it("replaces older values only for notifications that are whole snapshots", () => {
    assert.deepStrictEqual(
      named(({ tier }) => tier === "latest"),
      [
        "account/rateLimits/updated",
        "account/updated",
        "app/list/updated",
        "fuzzyFileSearch/sessionUpdated",
        "item/fileChange/patchUpdated",
        "mcpServer/startupStatus/updated",
        "model/safetyBuffering/updated",
        "remoteControl/status/changed",
        "skills/changed",
        "thread/goal/updated",
        "thread/prediction/updated",
        "thread/readState/changed",
        "thread/status/changed",
        "thread/tokenUsage/updated",
        "turn/diff/updated",
        "turn/plan/updated"
      ]
    )
  })

  it("drops only notifications that are informational", () => {
    assert.deepStrictEqual(
      named(({ tier }) => tier === "bestEffort"),
      [
        "deprecationNotice",
        "externalAgentConfig/import/progress",
        "fs/changed",
        "guardianWarning",
        "item/mcpToolCall/progress",
        "warning",
        "windows/worldWritableWarning"
      ]
    )
  })

  it("has a key for every snapshot and for nothing else", () => {
    assert.deepStrictEqual(
      named(({ key }) => key !== undefined),
      named(({ tier }) => tier === "latest")
    )
  })

  it("sends to everyone what lists of threads and the account depend on", () => {
    assert.deepStrictEqual(
      named(({ reach }) => reach === "everyone"),
      [
        "account/gatewayOAuth/changed",
        "account/login/completed",
        "account/updated",
        "app/list/updated",
        "externalAgentConfig/import/completed",
        "externalAgentConfig/import/progress",
        "mcpServer/oauthLogin/completed",
        "project/changed",
        "skills/changed",
        "thread/archived",
        "thread/attachment/updated",
        "thread/closed",
        "thread/deleted",
        "thread/goal/cleared",
        "thread/goal/updated",
        "thread/name/updated",
        "thread/project/updated",
        "thread/reverted",
        "thread/section/changed",
        "thread/started",
        "thread/status/changed",
        "thread/unarchived",
        "windows/worldWritableWarning"
      ]
    )
  })

  it("lets the sender choose the receiver of what one connection started or set up", () => {
    assert.deepStrictEqual(
      named(({ reach }) => reach === "chosen"),
      [
        "command/exec/outputDelta",
        "configWarning",
        "deprecationNotice",
        "fs/changed",
        "fuzzyFileSearch/sessionCompleted",
        "fuzzyFileSearch/sessionUpdated",
        "mcpServer/event/stream/notification",
        "process/exited",
        "process/outputDelta",
        "remoteControl/status/changed",
        "windowsSandbox/setupCompleted"
      ]
    )
  })

  it("withholds from stable clients the notifications that the release withholds", () => {
    assert.deepStrictEqual(
      named(({ method, stability }) => stability === "experimental" && !method.startsWith("thread/realtime/")),
      [
        "autoApprovalReview/strictReviewRequired",
        "mcpServer/event/stream/notification",
        "process/exited",
        "process/outputDelta",
        "project/changed",
        "thread/environment/connected",
        "thread/environment/disconnected",
        "thread/prediction/updated",
        "thread/project/updated",
        "thread/queue/changed",
        "thread/readState/changed",
        "thread/settings/updated",
        "turn/moderationMetadata"
      ]
    )
    assert.deepStrictEqual(
      named(({ method, stability }) => stability === "stable" && method.startsWith("thread/realtime/")),
      []
    )
  })

  it("keeps the snapshots of two threads apart and merges those of one thread", () => {
    const status = (threadId: string) => ({ threadId, status: { type: "idle" } as const })
    assert.deepStrictEqual(keysOf("thread/status/changed", status("a"), status("b"), status("a")), ["a", "b", "a"])
    const startup = (threadId: string, name: string) =>
      ({ threadId, name, status: "ready", error: null, failureReason: null }) as const
    const [first, otherThread, otherServer, again] = keysOf(
      "mcpServer/startupStatus/updated",
      startup("a", "x"),
      startup("b", "x"),
      startup("a", "y"),
      startup("a", "x")
    )
    assert.strictEqual(new Set([first, otherThread, otherServer]).size, 3)
    assert.strictEqual(again, first)
  })

  it("keeps the snapshots of two turns apart, also in forks, which share turn ids", () => {
    const diff = (threadId: string, turnId: string) => ({ threadId, turnId, diff: "" })
    const keys = keysOf("turn/diff/updated", diff("a", "1"), diff("a", "2"), diff("fork", "1"))
    assert.strictEqual(new Set(keys).size, 3)
  })

  it("keeps the snapshots of two rate limits apart", () => {
    const limit = (limitId: string | null) => ({
      rateLimits: {
        limitId,
        limitName: null,
        normalModelSlug: null,
        primary: null,
        secondary: null,
        credits: null,
        individualLimit: null,
        spendControlReached: null,
        planType: null,
        rateLimitReachedType: null
      }
    })
    const keys = keysOf("account/rateLimits/updated", limit("codex"), limit("other"), limit(null))
    assert.strictEqual(new Set(keys).size, 3)
  })

  for (const { key, method, params } of declarations) {
    const keyOf = key as ((params: unknown) => string) | undefined
    it.effect.prop(
      `${method}: parameters survive encoding and decoding`,
      [Arbitrary.schema(params())],
      ([value]) =>
        Effect.sync(() => {
          const sent: unknown = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(params())(value)))
          const read = Schema.decodeUnknownSync(params())(sent)
          assert.deepStrictEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(value)))
          const other = (threadId: string) => keyOf?.({ ...(value as object), threadId })
          if (keyOf !== undefined && method.startsWith("thread/")) assert.notStrictEqual(other("a"), other("b"))
        }),
      { arbitrary: { runs: 20 } }
    )
  }
})
