/**
 * One layer of the configuration: its source and its settings. Types only; `Layers` reads and merges them.
 *
 * @module
 */
import type { ConfigLayerSource } from "../../protocol/v2/config/Config.ts"
import type { SyntaxProblem } from "./Document.ts"
import type { CachedFile } from "./FileCache.ts"
import type { Table } from "./Table.ts"

/** The settings of one layer. */
export interface Content {
  /** Paths are absolute. Empty where the text is not TOML. */
  readonly table: Table
  readonly syntax: SyntaxProblem | undefined
  /** Dotted paths that are not settings. */
  readonly unknown: ReadonlyArray<string>
  /** Settings that this layer is not allowed to make. */
  readonly ignored: ReadonlyArray<string>
}

export interface Layer {
  readonly source: ConfigLayerSource
  /** Path and text of the file; undefined for the flags and for a file that does not exist. */
  readonly file: CachedFile<Content> | undefined
  readonly content: Content
  /** Why the layer is disabled; null when it is enabled. */
  readonly disabledReason: string | null
}
