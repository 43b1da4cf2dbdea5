/**
 * Reads the rules of all folders of a thread, and the required ones.
 *
 * An invalid rules file is a warning, and the set is then incomplete: what the file would forbid is unknown. A file that exceeds a limit may be valid: it fails, like one that cannot be
 * read. In a project without a trust decision, rules that prompt or forbid apply, and rules that allow do not.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ConfigWarning, RuleFolder } from "../../../services/config/Config.ts"
import { parseRules } from "../../../services/config/RequirementRules.ts"
import type { SmallFiles } from "../../../services/config/SmallFiles.ts"
import { exists } from "./Exists.ts"
import { read, type RuleSource, RulesUnreadable } from "./RuleFolders.ts"
import type { Rule, RuleSet } from "../../../services/tool/ExecRules.ts"
import { type FileRules, parse } from "./RulesFile.ts"
import type { StarlarkError } from "./starlark/StarlarkError.ts"

export interface LoadedRules extends RuleSet {
  readonly warnings: ReadonlyArray<ConfigWarning>
}

type Parsed = Result.Result<FileRules, StarlarkError>

/** Maximum number of cached parsed files, by path. The cache is cleared when it is exceeded. */
const MaxKept = 256
const kept = new Map<string, { readonly source: string; readonly parsed: Parsed }>()

const parseFile = ({ path, source }: RuleSource): Parsed => {
  const last = kept.get(path)
  if (last?.source === source) return last.parsed
  const parsed = parse(source)
  if (kept.size >= MaxKept) kept.clear()
  kept.set(path, { source, parsed })
  return parsed
}

/** All rules that apply. Precedence is decided per command. */
export const load = (
  smallFiles: SmallFiles["Service"],
  folders: ReadonlyArray<RuleFolder>,
  requirementRules: unknown
): Effect.Effect<LoadedRules, RulesUnreadable> =>
  Effect.gen(function* () {
    const required = parseRules(requirementRules)
    const rules: Array<Rule> = Result.isSuccess(required)
      ? required.success.map((rule) => ({ ...rule, required: true }))
      : []
    const hostExecutables = new Map<string, ReadonlyArray<string>>()
    const warnings: Array<ConfigWarning> = Result.isFailure(required) ? [warning(required.failure, null)] : []
    for (const folder of folders) {
      if (!exists(folder.path)) continue
      const files = yield* filesOf(smallFiles, folder, warnings)
      for (const file of files) {
        const parsed = parseFile(file)
        if (Result.isFailure(parsed)) {
          if (parsed.failure.beyondLimit === true && folder.mayAllow) yield* beyond(file.path, parsed.failure)
          warnings.push(unusable(file.path, parsed.failure))
          continue
        }
        for (const rule of parsed.success.rules) if (folder.mayAllow || rule.decision !== "allow") rules.push(rule)
        if (folder.mayAllow)
          for (const [name, paths] of parsed.success.hostExecutables) hostExecutables.set(name, paths)
      }
    }
    return { rules, hostExecutables, incomplete: warnings.length > 0, warnings }
  })

/** An unreadable file refuses the thread, except in a project without a trust decision. */
const filesOf = (smallFiles: SmallFiles["Service"], folder: RuleFolder, warnings: Array<ConfigWarning>) =>
  read(smallFiles, folder).pipe(
    Effect.catchIf(
      () => !folder.mayAllow,
      (error) =>
        Effect.sync((): ReadonlyArray<RuleSource> => {
          warnings.push(warning(error.message, error.path))
          return []
        })
    )
  )

const warning = (details: string, path: string | null): ConfigWarning => ({
  summary: "Error parsing rules; custom rules not applied.",
  details,
  path
})

const beyond = (path: string, { column, detail, line }: StarlarkError) =>
  new RulesUnreadable({ what: "file", path, detail: `${detail} (line ${line}, column ${column})` })

const unusable = (path: string, { column, detail, line }: StarlarkError): ConfigWarning => {
  const at = { line, column }
  return {
    ...warning(`failed to parse rules file ${path}: ${detail}\n --> ${path}:${line}:${column}`, path),
    range: { start: at, end: at }
  }
}
