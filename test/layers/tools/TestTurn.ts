import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { CommandExecutionApprovalDecision } from "../../../src/protocol/v2/approval/Approval.ts"
import type { Item, ThreadItem } from "../../../src/protocol/v2/item/Item.ts"
import type { AskFailed, AskParams, ToolTurn } from "../../../src/services/tool/Tool.ts"

/** An event that a tool published through its turn. */
export type Published =
  | { readonly type: "started" | "completed"; readonly turnId: string; readonly item: ThreadItem }
  | { readonly type: "asked"; readonly item: ThreadItem; readonly approval: Approval }
  | { readonly type: "notified"; readonly method: string; readonly params: unknown }

/** The approval request, without the members that the shell and the turn fill in. */
type Approval = Omit<AskParams<"item/commandExecution/requestApproval">, "itemId" | "kind">

type Answer = Effect.Effect<CommandExecutionApprovalDecision, AskFailed>

export interface TestTurn extends ToolTurn {
  readonly published: ReadonlyArray<Published>
  /** The first past or future event for which `select` returns a value. */
  readonly when: <A>(select: (published: Published) => A | undefined) => Effect.Effect<A>
}

const noGoal = () => Effect.die("no goal was expected")

/** A turn that records its events. `answer` is the user's answer to every request. */
export const make = (options: Partial<ToolTurn> & { readonly answer?: Answer } = {}): TestTurn => {
  const published: Array<Published> = []
  const waiting = new Set<(entry: Published) => void>()
  const publish = (entry: Published): Effect.Effect<void> =>
    Effect.sync(() => {
      published.push(entry)
      for (const notice of waiting) notice(entry)
    })
  const turnId = options.turnId ?? "turn-1"
  const { answer = Effect.die("no approval was expected"), ...fields } = options
  return {
    threadId: "thread-1",
    turnId,
    cwd: "/",
    approvalPolicy: "never",
    sandboxPolicy: { type: "dangerFullAccess" },
    mode: "default",
    model: { name: "gpt-5.5", isKnown: true, supportsApplyPatch: true },
    agents: Effect.die("no agent was expected"),
    goal: { get: Effect.succeed(null), create: noGoal, end: noGoal },
    itemStarted: (item) => publish({ type: "started", turnId, item }),
    itemCompleted: (item) => publish({ type: "completed", turnId, item }),
    notify: (method, params) => publish({ type: "notified", method, params }),
    diffUpdated: (diff) => publish({ type: "notified", method: "turn/diff/updated", params: { diff } }),
    progress: () => Effect.void,
    ask: (_method, params, options) => {
      const { itemId, kind, ...approval } = params as AskParams<"item/commandExecution/requestApproval">
      if (options?.item === undefined || options.item.id !== itemId || kind !== "command")
        return Effect.die("no such request")
      const published = publish({ type: "asked", item: options.item, approval })
      // Only approvals of commands are requested.
      return Effect.map(Effect.andThen(published, answer), (decision) => ({ decision }) as never)
    },
    ...fields,
    published,
    when: (select) =>
      Effect.suspend(() => {
        for (const entry of published) {
          const found = select(entry)
          if (found !== undefined) return Effect.succeed(found)
        }
        const deferred = Deferred.makeUnsafe<NonNullable<ReturnType<typeof select>>>()
        const notice = (entry: Published): void => {
          const found = select(entry)
          if (found === undefined || found === null) return
          waiting.delete(notice)
          Deferred.doneUnsafe(deferred, Effect.succeed(found))
        }
        waiting.add(notice)
        return Deferred.await(deferred)
      })
  }
}

export type CommandItem = Item<"commandExecution">

/** The completed item of a command. */
export const completed = (published: Published): CommandItem | undefined =>
  published.type === "completed" && published.item.type === "commandExecution" ? published.item : undefined

/** The concatenated deltas of a command. */
export const streamed = (published: ReadonlyArray<Published>): string =>
  published.map((entry) => deltaOf(entry) ?? "").join("")

export const deltaOf = (entry: Published): string | undefined =>
  entry.type === "notified" &&
  entry.method === "item/commandExecution/outputDelta" &&
  typeof entry.params === "object" &&
  entry.params !== null &&
  "delta" in entry.params &&
  typeof entry.params.delta === "string"
    ? entry.params.delta
    : undefined
