/**
 * The sources of layers: files, and settings of the command line and of requests.
 *
 * Owns reading and parsing; relative paths in settings are resolved against the folder of their source.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import type { ConfigLayerSource } from "../../protocol/v2/config/Config.ts"
import { type ConfigError, unreadable } from "./ConfigError.ts"
import type { Content, Layer } from "./ConfigLayer.ts"
import * as Document from "./Document.ts"
import * as FileCache from "./FileCache.ts"
import * as Project from "./Project.ts"
import { keys } from "./SettingsSchema.ts"
import { normalize, unknownKeys } from "./SettingType.ts"
import type { SmallFiles } from "./SmallFiles.ts"
import { empty, fromDotted, isTable, type Table } from "./Table.ts"

const nothing: Content = { table: empty, syntax: undefined, unknown: [], ignored: [] }

const contentOf = (table: Table, resolve: (path: string) => string, ignored: ReadonlyArray<string>): Content => {
  const resolved = normalize(keys, table, resolve)
  return {
    table: isTable(resolved) ? resolved : empty,
    syntax: undefined,
    unknown: unknownKeys(keys, table),
    ignored
  }
}

/** A layer of a file; without settings when the file does not exist. */
export const layerOf = (
  source: ConfigLayerSource,
  file: FileCache.CachedFile<Content> | undefined,
  disabledReason: string | null = null
): Layer => ({ source, file, content: file?.value ?? nothing, disabledReason })

export interface LayerFiles {
  /** A file of the user or the administrator; undefined when it does not exist. */
  readonly read: (file: string) => Effect.Effect<FileCache.CachedFile<Content> | undefined, ConfigError>
  /** A file of a project, which must be below `root` after links are followed. Settings that a project may not make are left out. */
  readonly readProject: (
    file: string,
    root: string
  ) => Effect.Effect<FileCache.CachedFile<Content> | undefined, ConfigError>
  /** The settings of a text as if it were in the file. */
  readonly parse: (source: string, file: string) => Content
  /** Settings by dotted key. */
  readonly flags: (entries: Iterable<readonly [key: string, value: unknown]>, folder: string) => Content
}

/** Removes what the source of a layer may not set. */
type Restrict = typeof Project.withoutReserved

const unrestricted: Restrict = (table) => ({ table, ignored: [] })

/** `userHome` replaces `~`; undefined leaves it. */
export const make = Effect.fnUntraced(function* (
  userHome: string | undefined
): Effect.fn.Return<LayerFiles, never, Path.Path | SmallFiles> {
  const path = yield* Path.Path

  const resolveFrom =
    (folder: string) =>
    (written: string): string =>
      userHome !== undefined && (written === "~" || written.startsWith("~/"))
        ? path.join(userHome, written.slice(1))
        : path.resolve(folder, written)

  const parse =
    (restrict: Restrict) =>
    (source: string, file: string): Content =>
      Result.match(Document.parse(source), {
        onSuccess: (table) => {
          const allowed = restrict(table)
          return contentOf(allowed.table, resolveFrom(path.dirname(file)), allowed.ignored)
        },
        onFailure: (syntax) => ({ ...nothing, syntax })
      })

  const files = yield* FileCache.make(parse(unrestricted), { maxBytes: Document.MaxBytes, namedBy: "server" })
  const projectFiles = yield* FileCache.make(parse(Project.withoutReserved), {
    maxBytes: Project.MaxBytes,
    namedBy: "client"
  })

  return {
    read: (file) => Effect.mapError(files.read(file), unreadable("config file", file)),
    readProject: (file, root) =>
      Effect.mapError(projectFiles.read(file, root), unreadable("project config file", file)),
    parse: parse(unrestricted),
    flags: (entries, folder) => contentOf(fromDotted(entries), resolveFrom(folder), [])
  }
})
