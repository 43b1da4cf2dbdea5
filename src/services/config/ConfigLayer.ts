/**
 * One layer of the configuration: where it comes from and what it says. Types only; `Layers` reads and merges them.
 *
 * @module
 */
import type { ConfigLayerSource } from "../../protocol/v2/config/Config.ts"
import type { SyntaxProblem } from "./Document.ts"
import type { CachedFile } from "./FileCache.ts"
import type { Table } from "./Table.ts"

/** What one layer says. */
export interface Content {
  /** Paths are absolute. Empty where the text is not TOML. */
  readonly table: Table
  readonly syntax: SyntaxProblem | undefined
  /** Dotted paths that no setting has. */
  readonly unknown: ReadonlyArray<string>
  /** Settings that this layer may not make. */
  readonly ignored: ReadonlyArray<string>
}

export interface Layer {
  readonly source: ConfigLayerSource
  /** Path and text of the file; undefined for the flags and for a file that is not there. */
  readonly file: CachedFile<Content> | undefined
  readonly content: Content
  /** Why the layer does not count; null where it does. */
  readonly disabledReason: string | null
}
