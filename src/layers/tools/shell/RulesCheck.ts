/**
 * Checks the user's files of rules before a thread needs them. The reader of rule files is loaded only where there is one.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { Config, type ConfigWarning } from "../../../services/config/Config.ts"
import { SmallFiles } from "../../../services/config/SmallFiles.ts"
import { StartCheck } from "../../../services/config/StartCheck.ts"

/** Entries of a folder that are looked at. The reader of rule files refuses a folder with more. */
const MaxEntries = 4096

/** What is wrong with the files of a folder; nothing where there is no such folder, or no rules in it. */
export const check = (files: SmallFiles["Service"], folder: string): Effect.Effect<ReadonlyArray<ConfigWarning>> =>
  Effect.gen(function* () {
    if (!(yield* Effect.promise(() => mayHaveRules(folder)))) return []
    const { load } = yield* Effect.promise(() => import("./LoadedRules.ts"))
    // As for a folder that may not allow: there, whatever cannot be read is a warning.
    return yield* load(files, [{ path: folder, mayAllow: false }], null).pipe(
      Effect.map(({ warnings }) => warnings),
      Effect.orDie
    )
  })

const mayHaveRules = async (folder: string): Promise<boolean> => {
  try {
    let entries = 0
    for await (const { name } of await Fs.promises.opendir(folder)) {
      if (name.endsWith(".rules") || ++entries > MaxEntries) return true
    }
    return false
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ENOENT")
  }
}

/** Checks `<home>/rules`. */
export const layer: Layer.Layer<never, never, Config | SmallFiles> = Layer.effect(
  StartCheck,
  Effect.gen(function* () {
    const { home } = yield* Config
    return check(yield* SmallFiles, Path.join(home, "rules"))
  })
)
