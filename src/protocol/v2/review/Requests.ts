/**
 * Requests about reviews.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import { ReviewStartParams, ReviewStartResponse } from "./Review.ts"

/** By method name. */
export const reviewRequests = {
  /** Has another model review changes, in a turn of its own. Answered before that turn begins; a running one is interrupted. */
  "review/start": Method.clientRequest({
    params: ReviewStartParams,
    result: ReviewStartResponse,
    schedule: Method.perThread
  })
} as const
