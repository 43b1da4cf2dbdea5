/**
 * A thread store in memory whose operations a test makes faulty, each in every way in which another's code can be.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Memory from "../../src/layers/stores/Memory.ts"
import type { ThreadEvent } from "../../src/services/thread/ThreadEvent.ts"
import { ThreadStore, ThreadStoreError } from "../../src/services/thread/ThreadStore.ts"

type Store = ThreadStore["Service"]
export type StoreMethod = Exclude<keyof Store, "pathOf" | "volatile" | "threadAt" | "sections">

/** What an operation does instead of its work. */
export const faults = {
  fails: (operation: ThreadStoreError["operation"]) =>
    Effect.fail(new ThreadStoreError({ operation, reason: "unavailable", cause: new Error("disk full") })),
  dies: () => Effect.die(new Error("defect")),
  throws: (): Effect.Effect<never> => {
    throw new Error("defect")
  },
  "interrupts itself": () => Effect.interrupt,
  "never answers": () => Effect.never,
  "cannot be interrupted": () => Effect.uninterruptible(Effect.never)
} as const

export type Fault = keyof typeof faults

export const allFaults = Object.keys(faults) as ReadonlyArray<Fault>

/** What the error of a method names. */
export const operationOf = (method: StoreMethod): ThreadStoreError["operation"] =>
  method === "summary" || method === "readTurns" || method === "readItems" ? "read" : method

export type FaultyStore = Effect.Success<typeof make>

export const make = Effect.gen(function* () {
  const memory: Store = Context.get(yield* Layer.build(Memory.layer), ThreadStore)
  const broken = new Map<StoreMethod, Fault>()
  /** Appends are faulty from the first event on that is meant. */
  let appends: { readonly from: (event: ThreadEvent) => boolean; readonly fault: Fault } | undefined
  const silent = yield* Queue.unbounded<StoreMethod>()

  const faulted = (method: StoreMethod, fault: Fault) => {
    if (fault === "never answers" || fault === "cannot be interrupted") Queue.offerUnsafe(silent, method)
    return faults[fault](operationOf(method))
  }

  const guarded = <Args extends ReadonlyArray<unknown>, A>(
    method: StoreMethod,
    run: (...args: Args) => Effect.Effect<A, ThreadStoreError>
  ) => {
    return (...args: Args): Effect.Effect<A, ThreadStoreError> => {
      const fault = broken.get(method)
      return fault === undefined ? run(...args) : faulted(method, fault)
    }
  }

  const faulty: Store = {
    append: guarded("append", (threadId, expectedSeq, events) => {
      if (appends !== undefined && events.some(appends.from)) {
        broken.set("append", appends.fault)
        return faulted("append", appends.fault)
      }
      return memory.append(threadId, expectedSeq, events)
    }),
    read: guarded("read", memory.read),
    summary: guarded("summary", memory.summary),
    list: guarded("list", memory.list),
    search: guarded("search", memory.search),
    ...(memory.readTurns === undefined ? {} : { readTurns: guarded("readTurns", memory.readTurns) }),
    ...(memory.readItems === undefined ? {} : { readItems: guarded("readItems", memory.readItems) }),
    claim: guarded("claim", () => Effect.succeed(Effect.void)),
    fork: guarded("fork", memory.fork),
    delete: guarded("delete", memory.delete)
  }

  return {
    /** Without faults. */
    memory,
    /** With them. */
    store: faulty,
    layer: Layer.succeed(ThreadStore, faulty),
    /** Holds an entry for each operation that has begun not to answer. */
    silent,
    /** From now on the method is faulty. */
    break: (method: StoreMethod, fault: Fault) => void broken.set(method, fault),
    /** Appends are faulty from an append with such an event on. */
    breakFrom: (from: (event: ThreadEvent) => boolean, fault: Fault) => {
      appends = { from, fault }
    },
    /** Everything works again. */
    repair: () => {
      broken.clear()
      appends = undefined
    }
  }
})
