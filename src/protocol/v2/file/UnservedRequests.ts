/**
 * Requests about files that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Search from "./FileSearch.ts"

/** By method name. */
export const unservedFileRequests = {
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
