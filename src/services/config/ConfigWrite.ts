/**
 * Changes of the user's settings file: `config/value/write` and `config/batchWrite`.
 *
 * Owns the checks before a write, and what a client learns after it. Comments and the order of settings stay. Does not own how
 * a file is replaced (`FileReplacement`) nor how TOML is edited (a library).
 *
 * ```
 *  edits ─► one table ─► is it the user's file? is it the expected version? are the settings valid? ─► new text ─► replace
 * ```
 *
 * Invariant: the new text, parsed again, has exactly the changed settings. A text for which that does not hold is not written.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Path from "effect/Path"
import * as Result from "effect/Result"
import type { ConfigEdit, ConfigWriteResponse, OverriddenMetadata } from "../../protocol/v2/config/ConfigWrite.ts"
import type { ConfigError } from "./ConfigError.ts"
import type { Layer } from "./ConfigLayer.ts"
import { version } from "./ConfigReadResult.ts"
import * as Document from "./Document.ts"
import { ConfigWriteError, type WriteConfig } from "./ConfigWriter.ts"
import { type Change, faultOf, parseKeyPath, withChange } from "./KeyPath.ts"
import { counts, isUserLayer, type Layers, type Stack } from "./Layers.ts"
import { at, canonical, get, type Table } from "./Table.ts"

const refused = (code: ConfigWriteError["code"], detail: string): ConfigWriteError =>
  new ConfigWriteError({ code, detail })

const invalid = (detail: string): ConfigWriteError => refused("configValidationError", detail)

const instead = "can no longer be written; use `--profile <name>` with `<name>.config.toml` instead"

/** Settings of older releases, which have no effect. They may be removed. */
const legacyFault = ({ path, value }: Change): string | undefined => {
  if (value === null) return undefined
  if (path[0] === "profile") return `\`profile\` is a legacy config selector and ${instead}`
  return path[0] === "profiles" ? `\`profiles\` contains legacy config profile tables and ${instead}` : undefined
}

const changeOf = ({ keyPath, mergeStrategy, value }: ConfigEdit): Result.Result<Change, string> =>
  Result.flatMap(parseKeyPath(keyPath), (path) => {
    const change: Change = { path, value, isMerged: mergeStrategy === "upsert" }
    const fault = legacyFault(change) ?? (value === null ? undefined : faultOf(value))
    return fault === undefined ? Result.succeed(change) : Result.fail(fault)
  })

/** The changes of a request, checked. */
export const changesOf = (edits: ReadonlyArray<ConfigEdit>): Effect.Effect<ReadonlyArray<Change>, ConfigWriteError> =>
  Effect.forEach(edits, (edit) => Effect.fromResult(Result.mapError(changeOf(edit), invalid)))

/** The settings with all changes. */
const changed = (table: Table, changes: ReadonlyArray<Change>): Effect.Effect<Table, ConfigWriteError> =>
  Effect.fromResult(
    Result.mapError(
      changes.reduce<Result.Result<Table, string>>(
        (before, change) => Result.flatMap(before, (table) => withChange(table, change)),
        Result.succeed(table)
      ),
      invalid
    )
  )

/** A value of the library as JSON: dates stay text, and integers of any size stay comparable. */
const plain = (value: unknown): unknown => {
  if (value instanceof Date || typeof value !== "object" || value === null) return value
  return Array.isArray(value)
    ? value.map(plain)
    : Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]))
}

/** Makes the values of `target` those of `wanted`, and keeps those that are equal, such as dates. */
const adopt = (target: Record<string, unknown>, wanted: Table, before: Table): void => {
  for (const key of Object.keys(target)) if (!Object.hasOwn(wanted, key)) delete target[key]
  for (const [key, value] of Object.entries(wanted)) {
    const old = get(before, key)
    if (old !== undefined && canonical(old) === canonical(value)) continue
    const child = target[key]
    const isTable = (part: unknown): part is Record<string, unknown> =>
      typeof part === "object" && part !== null && !Array.isArray(part) && !(part instanceof Date)
    if (isTable(child) && isTable(value) && isTable(old)) adopt(child, value as Table, old as Table)
    else target[key] = plain(value)
  }
}

/** The text with the changes; the same text when nothing changes. */
export const edited = Effect.fnUntraced(function* (
  source: string,
  changes: ReadonlyArray<Change>
): Effect.fn.Return<string, ConfigWriteError> {
  const before = Result.getOrElse(Document.parse(source), (): Table => ({}))
  const wanted = yield* changed(before, changes)
  if (canonical(before) === canonical(wanted)) return source
  const { parse, patch } = yield* Effect.promise(() => import("@decimalturn/toml-patch"))
  const text = yield* Effect.try({
    try: () => {
      const settings: Record<string, unknown> = parse(source)
      adopt(settings, wanted, before)
      // Tables are written as sections at any depth.
      const text = patch(source, settings, { inlineTableStart: Document.MaxBytes })
      return text === "" || text.endsWith("\n") ? text : `${text}\n`
    },
    catch: () => invalid("the settings cannot be written to this file without changing others; edit the file by hand")
  })
  const written = Document.parse(text)
  if (Result.isFailure(written) || canonical(written.success) !== canonical(wanted)) {
    return yield* invalid("the settings cannot be written to this file without changing others; edit the file by hand")
  }
  return text
})

const nameOf = ({ source }: Layer): string => {
  switch (source.type) {
    case "sessionFlags":
      return "session flags"
    case "project":
      return "project config"
    case "user":
      return "the profile's config"
    default:
      return "managed configuration"
  }
}

/** The first written setting that a layer above the user's file overrides. */
export const overriddenIn = Effect.fnUntraced(function* (
  stack: Stack,
  changes: ReadonlyArray<Change>
): Effect.fn.Return<OverriddenMetadata | null> {
  for (const { path } of changes) {
    const layer = stack.layers.find((layer) => counts(layer) && at(layer.content.table, path) !== undefined)
    if (layer === undefined || isUserLayer(layer)) continue
    return {
      message: `Overridden by ${nameOf(layer)}`,
      overridingLayer: { name: layer.source, version: yield* version(layer) },
      effectiveValue: at(stack.merged, path) ?? null
    }
  }
  return null
})

/** The answer to a write. */
export const responseOf = Effect.fnUntraced(function* (
  stack: Stack,
  changes: ReadonlyArray<Change>,
  filePath: string
): Effect.fn.Return<ConfigWriteResponse> {
  const user = stack.layers.find(isUserLayer)
  const overriddenMetadata = yield* overriddenIn(stack, changes)
  return {
    status: overriddenMetadata === null ? "ok" : "okOverridden",
    version: user === undefined ? "" : yield* version(user),
    filePath,
    overriddenMetadata
  }
})

const conflict = refused(
  "configVersionConflict",
  "Configuration was modified since last read. Fetch latest version and retry."
)

const readonly = refused("configLayerReadonly", "Only writes to the user config are allowed")

/** A writer of `userFile`. */
export const make = (layers: Layers, path: Path.Path, userFile: string): WriteConfig =>
  Effect.fn("Config.write")(function* ({ edits, expectedVersion, filePath }, files) {
    const isOther =
      filePath !== undefined && !(path.isAbsolute(filePath) && path.normalize(filePath) === path.normalize(userFile))
    if (isOther) return yield* readonly
    const load = layers.load({ folder: undefined, overrides: {} })
    const stack = yield* load
    const user = stack.layers.find(isUserLayer)
    if (user?.content.syntax !== undefined && stack.diagnostic !== undefined) return yield* stack.diagnostic.error
    if (expectedVersion !== undefined && user !== undefined && (yield* version(user)) !== expectedVersion) {
      return yield* conflict
    }
    const changes = yield* changesOf(edits)
    const source = user?.file?.source ?? ""
    const text = yield* edited(source, changes)
    if (text === source) return yield* responseOf(stack, changes, userFile)
    const fault = layers.tryUser(stack, text)
    if (fault?.source === "user") return yield* invalid(`Invalid configuration: ${textOf(fault.error)}`)
    yield* files.replace(userFile, text)
    return yield* responseOf(yield* load, changes, userFile)
  })

/** The error without its position: the client knows what it wrote. */
const textOf = ({ detail, key }: ConfigError): string => (key === undefined ? detail : `${detail}\nin \`${key}\`\n`)
