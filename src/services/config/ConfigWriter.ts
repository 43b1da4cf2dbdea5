/**
 * The vocabulary of changes of the user's settings. `ConfigWrite` makes them.
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ConfigEdit, ConfigWriteResponse } from "../../protocol/v2/config/ConfigWrite.ts"
import type { ConfigError } from "./ConfigError.ts"
import type { FileReplacement, FileReplacementError } from "./FileReplacement.ts"

/** A write that was refused. Nothing was written. */
export class ConfigWriteError extends Schema.TaggedError<ConfigWriteError>()("ConfigWriteError", {
  code: Schema.Literals(["configLayerReadonly", "configVersionConflict", "configValidationError"]),
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** A request to write. */
export interface WriteRequest {
  readonly edits: ReadonlyArray<ConfigEdit>
  /** Undefined for the user's file. */
  readonly filePath: string | undefined
  /** The write is refused when the file has another version. Undefined: any version. */
  readonly expectedVersion: string | undefined
}

/** Changes the user's settings through a port that replaces files. Fails when nothing was written. */
export type WriteConfig = (
  request: WriteRequest,
  files: FileReplacement["Service"]
) => Effect.Effect<ConfigWriteResponse, ConfigError | ConfigWriteError | FileReplacementError>
