/**
 * Files of the machine that the server runs on: reading, writing, listing and watching. All paths are absolute.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, AbsolutePath, named, optional, UnixMillis } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

export const FsReadFileParams = lazy(() => named("FsReadFileParams", { path: AbsolutePath }))
export type FsReadFileParams = Of<typeof FsReadFileParams>

/** The whole content, as base64. */
export const FsReadFileResponse = lazy(() => Schema.Struct({ dataBase64: Schema.String }))
export type FsReadFileResponse = Of<typeof FsReadFileResponse>

/** The whole new content, as base64. */
export const FsWriteFileParams = lazy(() =>
  named("FsWriteFileParams", { path: AbsolutePath, dataBase64: Schema.String })
)
export type FsWriteFileParams = Of<typeof FsWriteFileParams>

/** Unless `recursive` is false, missing parents are created too. */
export const FsCreateDirectoryParams = lazy(() =>
  named("FsCreateDirectoryParams", { path: AbsolutePath, recursive: optional(Schema.Boolean) })
)
export type FsCreateDirectoryParams = Of<typeof FsCreateDirectoryParams>

export const FsGetMetadataParams = lazy(() => named("FsGetMetadataParams", { path: AbsolutePath }))
export type FsGetMetadataParams = Of<typeof FsGetMetadataParams>

/** `isDirectory` and `isFile` are about the target of a symbolic link. A time that the file system does not keep is 0. */
export const FsGetMetadataResponse = lazy(() =>
  Schema.Struct({
    isDirectory: Schema.Boolean,
    isFile: Schema.Boolean,
    isSymlink: Schema.Boolean,
    createdAtMs: UnixMillis,
    modifiedAtMs: UnixMillis
  })
)
export type FsGetMetadataResponse = Of<typeof FsGetMetadataResponse>

export const FsReadDirectoryParams = lazy(() => named("FsReadDirectoryParams", { path: AbsolutePath }))
export type FsReadDirectoryParams = Of<typeof FsReadDirectoryParams>

/** A child of a folder; `fileName` has no folder in it. */
export const FsReadDirectoryEntry = lazy(() =>
  Schema.Struct({ fileName: Schema.String, isDirectory: Schema.Boolean, isFile: Schema.Boolean })
)
export type FsReadDirectoryEntry = Of<typeof FsReadDirectoryEntry>

export const FsReadDirectoryResponse = lazy(() => Schema.Struct({ entries: Schema.Array(FsReadDirectoryEntry()) }))
export type FsReadDirectoryResponse = Of<typeof FsReadDirectoryResponse>

/** Both options default to true: folders are removed with their content, and a missing path is no error. */
export const FsRemoveParams = lazy(() =>
  named("FsRemoveParams", { path: AbsolutePath, recursive: optional(Schema.Boolean), force: optional(Schema.Boolean) })
)
export type FsRemoveParams = Of<typeof FsRemoveParams>

/** A folder is copied with `recursive` only. */
export const FsCopyParams = lazy(() =>
  named("FsCopyParams", { sourcePath: AbsolutePath, destinationPath: AbsolutePath, recursive: absent(Schema.Boolean) })
)
export type FsCopyParams = Of<typeof FsCopyParams>

/** The client chooses `watchId`, which is unique on its connection; `fs/changed` repeats it. */
export const FsWatchParams = lazy(() => named("FsWatchParams", { watchId: Schema.String, path: AbsolutePath }))
export type FsWatchParams = Of<typeof FsWatchParams>

/** The path that is watched, with symbolic links resolved. */
export const FsWatchResponse = lazy(() => Schema.Struct({ path: Schema.String }))
export type FsWatchResponse = Of<typeof FsWatchResponse>

export const FsUnwatchParams = lazy(() => named("FsUnwatchParams", { watchId: Schema.String }))
export type FsUnwatchParams = Of<typeof FsUnwatchParams>
