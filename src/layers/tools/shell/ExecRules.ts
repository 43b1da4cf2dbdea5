/**
 * The user's standing rules about commands, and where new ones are kept.
 *
 * Owns the rules in force and their file. Does not own what they mean for a command: that is `ExecPolicy`.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as Path from "node:path"
import { Config } from "../../../services/Config.ts"
import * as Rules from "./Rules.ts"

export class ExecRules extends Context.Service<
  ExecRules,
  {
    /** The rules in force, oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Rules.Rule>>
    /** Lets commands with this prefix through from now on. An empty prefix adds nothing. */
    readonly allow: (prefix: ReadonlyArray<string>) => Effect.Effect<void>
  }
>()("spindle/ExecRules") {}

/** Where rules come from and go to. Neither fails: a rule that cannot be kept still holds until the server stops. */
interface Shelf {
  readonly read: Effect.Effect<ReadonlyArray<Rules.Rule>>
  readonly append: (line: string) => Effect.Effect<void>
}

const make = (shelf: Shelf) =>
  Effect.gen(function* () {
    const read = yield* Effect.cached(Effect.uninterruptible(shelf.read))
    const writing = yield* Semaphore.make(1)
    const added: Array<Rules.Rule> = []
    return ExecRules.of({
      list: Effect.map(read, (rules) => [...rules, ...added]),
      allow: (prefix) => {
        if (prefix.length === 0) return Effect.void
        // What the file says is read before it is added to, or the new rule would be there twice.
        return Effect.andThen(
          read,
          writing.withPermit(
            Effect.suspend(() => {
              added.push(Rules.allowPrefix(prefix))
              return shelf.append(Rules.printAllow(prefix))
            })
          )
        )
      }
    })
  })

/** The rules of one file, read when they are first asked for. A file that is missing is empty. */
export const layerFile = (file: string): Layer.Layer<ExecRules> =>
  Layer.effect(ExecRules, make({ read: readFile(file), append: (line) => appendLine(file, line) }))

/** The rules of `<home>/rules/default.rules`. */
export const layer: Layer.Layer<ExecRules, never, Config> = Layer.unwrap(
  Effect.map(Config, (config) => layerFile(Path.join(config.home, "rules", "default.rules")))
)

/** Rules that are given, and forgotten with the layer. */
export const layerMemory = (rules: ReadonlyArray<Rules.Rule> = []): Layer.Layer<ExecRules> =>
  Layer.effect(ExecRules, make({ read: Effect.succeed(rules), append: () => Effect.void }))

const readFile = (file: string): Effect.Effect<ReadonlyArray<Rules.Rule>> =>
  Effect.tryPromise(async () => {
    const { readFile } = await import("node:fs/promises")
    return Result.getOrThrow(Rules.parse(await readFile(file, "utf8")))
  }).pipe(
    Effect.catch(({ cause }) =>
      isMissing(cause)
        ? Effect.succeed([])
        : Effect.as(Effect.logWarning(`custom rules not applied: ${file}: ${reasonOf(cause)}`), [])
    )
  )

const appendLine = (file: string, line: string): Effect.Effect<void> =>
  Effect.tryPromise(async () => {
    const { appendFile, mkdir, readFile } = await import("node:fs/promises")
    await mkdir(Path.dirname(file), { recursive: true })
    const before = await readFile(file, "utf8").catch(() => "")
    await appendFile(file, `${before === "" || before.endsWith("\n") ? "" : "\n"}${line}\n`)
  }).pipe(Effect.catch(({ cause }) => Effect.logWarning(`rule not written: ${file}: ${reasonOf(cause)}`)))

const isMissing = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : "unreadable")
