/**
 * The command rules of threads, read from files, and the storage of new ones.
 *
 * Rules are read when a thread is started or resumed; an edited file applies from the next thread on. A rule that a user adds
 * with an approval applies at once, to every thread. Does not own the meaning of rules (`ExecPolicy`). The parser of rule
 * files is loaded with the first folder of rules that exists.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as Path from "node:path"
import { Config, type EffectiveConfig } from "../../../services/config/Config.ts"
import { SmallFiles } from "../../../services/config/SmallFiles.ts"
import { ExecRules, type Rule, RulesUnavailable } from "../../../services/tool/ExecRules.ts"
import { exists } from "./Exists.ts"
import type { LoadedRules } from "./LoadedRules.ts"
import { allowPrefix } from "./Rules.ts"

/** Maximum total length of a prefix that is stored in the file, in characters. */
const MaxPrefix = 64 * 1024

const nothing: LoadedRules = { rules: [], hostExecutables: new Map(), incomplete: false, warnings: [] }

const load = (files: SmallFiles["Service"], config: Pick<EffectiveConfig, "ruleFolders" | "requirementRules">) => {
  if (config.requirementRules == null && !config.ruleFolders.some(({ path }) => exists(path))) {
    return Effect.succeed(nothing)
  }
  return Effect.promise(() => import("./LoadedRules.ts")).pipe(
    Effect.flatMap(({ load }) => load(files, config.ruleFolders, config.requirementRules)),
    Effect.mapError(({ message }) => new RulesUnavailable({ detail: `failed to load rules: ${message}` }))
  )
}

const make = (given: ReadonlyArray<Rule>, file: string | undefined) =>
  Effect.gen(function* () {
    const files = yield* SmallFiles
    const writing = yield* Semaphore.make(1)
    const added: Array<Rule> = []
    /** Rules that could not be written. They apply until the server stops. */
    const unkept: Array<Rule> = []
    return ExecRules.of({
      open: Effect.fnUntraced(function* (config) {
        const from = added.length
        const kept = [...unkept]
        const { warnings, ...loaded } = yield* load(files, config)
        return {
          warnings,
          current: () => ({ ...loaded, rules: [...given, ...loaded.rules, ...kept, ...added.slice(from)] })
        }
      }),
      allow: (prefix) => {
        if (prefix.length === 0) return Effect.void
        const rule = allowPrefix(prefix)
        added.push(rule)
        if (file === undefined) return Effect.void
        return append(file, prefix).pipe(
          Effect.catch(({ message }) => {
            unkept.push(rule)
            return Effect.logWarning(`rule not written: ${file}: ${message}`)
          }),
          writing.withPermit
        )
      }
    })
  })

const append = (file: string, prefix: ReadonlyArray<string>): Effect.Effect<void, Error> =>
  Effect.tryPromise({
    try: async () => {
      const size = prefix.reduce((sum, word) => sum + word.length, 0)
      if (size > MaxPrefix) throw new Error(`the prefix is longer than ${MaxPrefix} characters`)
      const [{ append }, { printAllow }] = await Promise.all([import("./RuleStore.ts"), import("./RulesFile.ts")])
      await append(file, printAllow(prefix))
    },
    catch: (error) => (error instanceof Error ? error : new Error("it cannot be written"))
  })

/** New rules go to `file`. */
export const layerFile = (file: string): Layer.Layer<ExecRules, never, SmallFiles> =>
  Layer.effect(ExecRules, make([], file))

/** New rules go to `<home>/rules/default.rules`. */
export const layer: Layer.Layer<ExecRules, never, Config | SmallFiles> = Layer.unwrap(
  Effect.map(Config, (config) => layerFile(Path.join(config.home, "rules", "default.rules")))
)

/** The given rules, in addition to those of the configuration's folders. New ones are discarded with the layer. */
export const layerMemory = (rules: ReadonlyArray<Rule> = []): Layer.Layer<ExecRules, never, SmallFiles> =>
  Layer.effect(ExecRules, make(rules, undefined))
