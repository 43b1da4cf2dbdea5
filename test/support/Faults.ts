/**
 * Faulty implementations of a turn's ports: they fail, die, never end, ignore interruption, or answer twice.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { ModelError, type ModelEvent, ModelProvider } from "../../src/services/model/ModelProvider.ts"
import { type Sandbox, SandboxUnavailable } from "../../src/services/sandbox/Sandbox.ts"
import { text, type Tool, type ToolOutput, type ToolTurn, TurnCancelled } from "../../src/services/tool/Tool.ts"
import { completed, delta, done, started } from "./ScriptedModel.ts"

const defect = new Error("a defect of the port")

/** Code that cannot be interrupted. */
export const stuck: Effect.Effect<never> = Effect.uninterruptible(Effect.never)

const stuckStream: Stream.Stream<never> = Stream.fromEffect(stuck)

const thrown = (): never => {
  throw defect
}

/** How the answer of a model continues after its first events. */
export const modelEnds: Readonly<Record<string, () => Stream.Stream<ModelEvent, ModelError>>> = {
  fails: () => Stream.fail(new ModelError({ message: "no answer", info: "other" })),
  "fails with another error": () => Stream.fail("no answer" as never),
  dies: () => Stream.die(defect),
  "interrupts itself": () => Stream.fromEffect(Effect.interrupt),
  "ends without an end": () => Stream.empty,
  throws: thrown,
  "never ends": () => Stream.never,
  "cannot be interrupted": () => stuckStream,
  "never finishes its finalizer": () => Stream.ensuring(Stream.never, stuck),
  completes: () => Stream.make(completed),
  "completes twice": () => Stream.make(completed, completed),
  "continues after its end": () => Stream.make(completed, started("late"), delta("late", "x"), done("late", "x")),
  "fails after its end": () =>
    Stream.concat(Stream.make(completed), Stream.fail(new ModelError({ message: "late", info: "other" }))),
  "dies after its end": () => Stream.concat(Stream.make(completed), Stream.die(defect)),
  "never ends after its end": () => Stream.concat(Stream.make(completed), Stream.never),
  "cannot be interrupted after its end": () => Stream.concat(Stream.make(completed), stuckStream)
}

/** The events of a model before the fault. */
export const modelSteps: Readonly<Record<string, ReadonlyArray<ModelEvent>>> = {
  "at once": [],
  "in a message": [started("m"), delta("m", "par")],
  "after a message": [started("m"), delta("m", "partial"), done("m", "partial")],
  "after a call": [{ _tag: "ItemDone", item: { type: "function_call", call_id: "c1", name: "fine", arguments: "{}" } }]
}

/** A model whose first answer is this one. Later answers are correct. */
export const modelOf = (answer: () => Stream.Stream<ModelEvent, ModelError>): Layer.Layer<ModelProvider> => {
  let first = true
  return Layer.succeed(ModelProvider, {
    stream: (request) => {
      if (first) {
        first = false
        return answer()
      }
      const id = `m_${request.input.length}`
      return Stream.make(started(id), delta(id, "fine"), done(id, "fine"), completed)
    }
  })
}

const specOf = (name: string): Tool["spec"] => ({
  type: "function",
  name,
  description: name,
  parameters: { type: "object" },
  strict: false
})

/** A tool without a fault. */
export const fine: Tool = { spec: specOf("fine"), run: () => Effect.succeed(text("fine")) }

const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

/** The behaviour of a tool during its call. */
export const toolRuns: Readonly<Record<string, (turn: ToolTurn) => Effect.Effect<ToolOutput, TurnCancelled>>> = {
  "is fine": () => Effect.succeed(text("fine")),
  "fails with another error": () => Effect.fail("no answer" as never),
  dies: () => Effect.die(defect),
  throws: thrown,
  "dies later": () => Effect.andThen(Effect.yieldNow, Effect.die(defect)),
  "interrupts itself": () => Effect.interrupt,
  "gives what is not JSON": () =>
    Effect.succeed({ content: [{ type: "structured", value: cyclic as never }], success: true }),
  cancels: () => Effect.fail(new TurnCancelled()),
  "never ends": () => Effect.never,
  "cannot be interrupted": () => stuck,
  "never finishes its finalizer": () => Effect.onInterrupt(Effect.never, () => stuck),
  "asks and gets no answer": (turn) =>
    turn
      .ask("item/tool/call", { callId: "c1", namespace: null, tool: "x", arguments: {} })
      .pipe(Effect.as(text("answered")), Effect.orDie)
}

export const toolOf = (run: (turn: ToolTurn) => Effect.Effect<ToolOutput, TurnCancelled>): Tool => ({
  spec: specOf("faulty"),
  run: (_, turn) => run(turn)
})

/** The behaviour of a sandbox. */
export const sandboxes: Readonly<Record<string, Sandbox["Service"]["confine"]>> = {
  fails: () => Effect.fail(new SandboxUnavailable({ policy: "readOnly", reason: "it fails" })),
  dies: () => Effect.die(defect),
  throws: thrown,
  "interrupts itself": () => Effect.interrupt,
  "never ends": () => Effect.never,
  "cannot be interrupted": () => stuck
}
