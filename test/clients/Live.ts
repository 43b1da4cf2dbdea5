/**
 * Tests against a running server and its model server.
 *
 * @module
 */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as ModelServer from "../support/ModelServer.ts"
import type { Subject } from "./Subject.ts"

/** Long enough to start a server on a busy machine. */
const Patience = 60_000

/** Declares tests on a subject, each with a server of its own. The statement is appended to the test names. */
export const liveOn =
  (layer: Layer.Layer<Subject, unknown, ModelServer.ModelServer>, statement?: string) =>
  (title: string, test: Effect.Effect<void, unknown, Subject | ModelServer.ModelServer | Scope.Scope>) =>
    it.live(
      statement === undefined ? title : `${title} ${statement}`,
      () => test.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layer, ModelServer.layer))),
      Patience
    )
