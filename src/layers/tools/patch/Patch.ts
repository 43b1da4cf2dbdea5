/**
 * The shape of a parsed patch.
 *
 * @module
 */

/** A line of a chunk, without a line ending: one that stays, one that is removed, or one that is added. */
export interface ChunkLine {
  readonly sign: " " | "-" | "+"
  readonly text: string
}

/** A run of lines of a file, with changes. */
export interface Chunk {
  /** A line before the chunk, from `@@ line`; null without one. */
  readonly context: string | null
  /** If all of them are added ones, they are added at the end of the file. */
  readonly lines: ReadonlyArray<ChunkLine>
  /** Whether the lines that the file has are its last ones. */
  readonly endOfFile: boolean
}

/** The change of one file. Paths are as the model wrote them. */
export type Operation =
  | { readonly type: "add"; readonly path: string; readonly content: string }
  | { readonly type: "delete"; readonly path: string }
  | {
      readonly type: "update"
      readonly path: string
      /** The new path of the file; null when it stays. */
      readonly movePath: string | null
      readonly chunks: ReadonlyArray<Chunk>
    }
