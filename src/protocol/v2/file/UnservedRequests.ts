/**
 * Requests about files that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Search from "./FileSearch.ts"
import * as Files from "./FileSystem.ts"

/** By method name. */
export const unservedFileRequests = {
  "fs/readFile": Method.clientRequest({ params: Files.FsReadFileParams, result: Files.FsReadFileResponse }),
  "fs/writeFile": Method.clientRequest({ params: Files.FsWriteFileParams, result: EmptyResult }),
  "fs/createDirectory": Method.clientRequest({ params: Files.FsCreateDirectoryParams, result: EmptyResult }),
  "fs/getMetadata": Method.clientRequest({ params: Files.FsGetMetadataParams, result: Files.FsGetMetadataResponse }),
  "fs/readDirectory": Method.clientRequest({
    params: Files.FsReadDirectoryParams,
    result: Files.FsReadDirectoryResponse
  }),
  "fs/remove": Method.clientRequest({ params: Files.FsRemoveParams, result: EmptyResult }),
  "fs/copy": Method.clientRequest({ params: Files.FsCopyParams, result: EmptyResult }),
  "fs/watch": Method.clientRequest({ params: Files.FsWatchParams, result: Files.FsWatchResponse }),
  "fs/unwatch": Method.clientRequest({ params: Files.FsUnwatchParams, result: EmptyResult }),
  fuzzyFileSearch: Method.clientRequest({
    params: Search.FuzzyFileSearchParams,
    result: Search.FuzzyFileSearchResponse
  }),
  "fuzzyFileSearch/sessionStart": Method.clientRequest({
    params: Search.FuzzyFileSearchSessionStartParams,
    result: EmptyResult
  }),
  "fuzzyFileSearch/sessionUpdate": Method.clientRequest({
    params: Search.FuzzyFileSearchSessionUpdateParams,
    result: EmptyResult
  }),
  "fuzzyFileSearch/sessionStop": Method.clientRequest({
    params: Search.FuzzyFileSearchSessionStopParams,
    result: EmptyResult
  })
} as const
