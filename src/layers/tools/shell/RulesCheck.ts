/**
 * Checks the user's rule files before a thread needs them. The parser of rule files is loaded only if there is one.
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

/** Maximum number of examined entries of a folder. The reader refuses a folder with more. */
const MaxEntries = 4096

/** The errors of a folder's files; none when the folder does not exist or has no rules. */
export const check = (files: SmallFiles["Service"], folder: string): Effect.Effect<ReadonlyArray<ConfigWarning>> =>
  Effect.gen(function* () {
    if (!(yield* Effect.promise(() => mayHaveRules(folder)))) return []
    const { load } = yield* Effect.promise(() => import("./LoadedRules.ts"))
    // Read like a folder that may not allow, where unreadable files are warnings.
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
