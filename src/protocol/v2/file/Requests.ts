/**
 * Requests about the files of the machine.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Files from "./FileSystem.ts"

/** A watch is opened and closed in the order of its requests. */
const perWatch = Method.owned("watch", ({ watchId }: { readonly watchId: string }) => watchId)

/** By method name. */
export const fileRequests = {
  /** The whole content of a file. */
  "fs/readFile": Method.clientRequest({ params: Files.FsReadFileParams, result: Files.FsReadFileResponse }),
  /** Replaces the whole content of a file, or creates it. */
  "fs/writeFile": Method.clientRequest({ params: Files.FsWriteFileParams, result: EmptyResult }),
  "fs/createDirectory": Method.clientRequest({ params: Files.FsCreateDirectoryParams, result: EmptyResult }),
  "fs/getMetadata": Method.clientRequest({ params: Files.FsGetMetadataParams, result: Files.FsGetMetadataResponse }),
  /** The direct children of a folder. */
  "fs/readDirectory": Method.clientRequest({
    params: Files.FsReadDirectoryParams,
    result: Files.FsReadDirectoryResponse
  }),
  "fs/remove": Method.clientRequest({ params: Files.FsRemoveParams, result: EmptyResult }),
  "fs/copy": Method.clientRequest({ params: Files.FsCopyParams, result: EmptyResult }),
  /** Publishes `fs/changed` until `fs/unwatch`, or the end of the connection. */
  "fs/watch": Method.clientRequest({
    params: Files.FsWatchParams,
    result: Files.FsWatchResponse,
    schedule: perWatch
  }),
  "fs/unwatch": Method.clientRequest({ params: Files.FsUnwatchParams, result: EmptyResult, schedule: perWatch })
} as const
