/**
 * Settings of the later turns of a loaded thread.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import { Config } from "../../services/config/Config.ts"
import { PermittedSettings } from "../../services/config/Permitted.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { warningsFor } from "../../services/decoding/ParameterDecisions.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { askedModel, changed, folderIn, unusedModel } from "../../services/thread/Settings.ts"
import type { Decision } from "../../services/thread/ThreadJournal.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { refuseOtherProvider } from "./Turn.ts"
import { warn } from "./Warnings.ts"

const unserved = warningsFor("thread/settings/update")

export const make: Effect.Effect<
  HandlersFor<"thread/settings/update">,
  never,
  Config | OutboundRouter | Path.Path | Threads
> = Effect.gen(function* () {
  const config = yield* Config
  const path = yield* Path.Path
  const router = yield* OutboundRouter
  const threads = yield* Threads

  const update: Handler<"thread/settings/update"> = Effect.fnUntraced(function* (params) {
    const { threadId } = params
    const thread = yield* threads.get(threadId)
    const bounds = yield* config.bounds
    const at = yield* Clock.currentTimeMillis
    const { publish, value: replaced } = yield* thread.change(
      Effect.fnUntraced(function* ({ settings: current }) {
        const standing = PermittedSettings.settle(bounds, current)
        yield* refuseOtherProvider(standing.violations)
        const folder = folderIn(params)
        const cwd = folder === null ? null : path.resolve(current.cwd, folder)
        const asked = { ...params, input: [] }
        const { value: settings } = yield* changed(bounds, standing.settings.value, asked, cwd, thread.answersAs)
        const value = standing.violations.map(({ warning }) => warning)
        const isSame = JSON.stringify(settings) === JSON.stringify(current)
        return {
          events: isSame ? [] : [{ _tag: "SettingsChanged" as const, at, settings }],
          notifications: isSame
            ? []
            : [{ method: "thread/settings/updated" as const, params: { threadId, threadSettings: settings } }],
          value
        } satisfies Decision<ReadonlyArray<string>>
      })
    )
    const unused = unusedModel(thread.answersAs, askedModel({ ...params, input: [] }))
    const warnings = [...replaced, ...(unused === undefined ? [] : [unused]), ...unserved(params)]
    return Reply.withCommit({}, Effect.andThen(publish, warn(router, threadId, warnings)))
  })

  return { "thread/settings/update": update }
})
