import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { CommandExecutionApprovalDecision } from "../../../src/protocol/v2/approval/Approval.ts"
import type { Item, ThreadItem } from "../../../src/protocol/v2/item/Item.ts"
import type { AskFailed, AskParams, ToolTurn } from "../../../src/services/tool/Tool.ts"

/** Something a tool told its turn, in order. */
export type Told =
  | { readonly type: "started" | "completed"; readonly turnId: string; readonly item: ThreadItem }
  | { readonly type: "asked"; readonly item: ThreadItem; readonly approval: Approval }
  | { readonly type: "notified"; readonly method: string; readonly params: unknown }

/** What the user is asked, without what the shell and the turn fill in. */
type Approval = Omit<AskParams<"item/commandExecution/requestApproval">, "itemId" | "kind">

type Answer = Effect.Effect<CommandExecutionApprovalDecision, AskFailed>

export interface TestTurn extends ToolTurn {
  readonly told: ReadonlyArray<Told>
  /** The first thing told, past or to come, that `select` makes something of. */
  readonly when: <A>(select: (told: Told) => A | undefined) => Effect.Effect<A>
}

/** A turn that writes down what it is told. `answer` is the user's, to every question. */
export const make = (options: Partial<ToolTurn> & { readonly answer?: Answer } = {}): TestTurn => {
  const told: Array<Told> = []
  const waiting = new Set<(entry: Told) => void>()
  const tell = (entry: Told): Effect.Effect<void> =>
    Effect.sync(() => {
      told.push(entry)
      for (const notice of waiting) notice(entry)
    })
  const turnId = options.turnId ?? "turn-1"
  const { answer = Effect.die("nobody was to be asked"), ...fields } = options
  return {
    threadId: "thread-1",
    turnId,
    cwd: "/",
    approvalPolicy: "never",
    sandboxPolicy: { type: "dangerFullAccess" },
    itemStarted: (item) => tell({ type: "started", turnId, item }),
    itemCompleted: (item) => tell({ type: "completed", turnId, item }),
    notify: (method, params) => tell({ type: "notified", method, params }),
    progress: () => Effect.void,
    ask: (_method, params, options) => {
      const { itemId, kind, ...approval } = params as AskParams<"item/commandExecution/requestApproval">
      if (options?.item === undefined || options.item.id !== itemId || kind !== "command")
        return Effect.die("no such request")
      const told = tell({ type: "asked", item: options.item, approval })
      // Nothing but approvals of commands comes here.
      return Effect.map(Effect.andThen(told, answer), (decision) => ({ decision }) as never)
    },
    ...fields,
    told,
    when: (select) =>
      Effect.suspend(() => {
        for (const entry of told) {
          const found = select(entry)
          if (found !== undefined) return Effect.succeed(found)
        }
        const deferred = Deferred.makeUnsafe<NonNullable<ReturnType<typeof select>>>()
        const notice = (entry: Told): void => {
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

/** The command's item when it is done. */
export const completed = (told: Told): CommandItem | undefined =>
  told.type === "completed" && told.item.type === "commandExecution" ? told.item : undefined

/** The deltas of a command put together. */
export const streamed = (told: ReadonlyArray<Told>): string => told.map((entry) => deltaOf(entry) ?? "").join("")

export const deltaOf = (entry: Told): string | undefined =>
  entry.type === "notified" &&
  entry.method === "item/commandExecution/outputDelta" &&
  typeof entry.params === "object" &&
  entry.params !== null &&
  "delta" in entry.params &&
  typeof entry.params.delta === "string"
    ? entry.params.delta
    : undefined
