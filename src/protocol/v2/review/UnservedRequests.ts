/**
 * Requests about reviews that this server does not serve.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Review from "./Review.ts"

/** By method name. */
export const unservedReviewRequests = {
  "review/start": Method.clientRequest({ params: Review.ReviewStartParams, result: Review.ReviewStartResponse })
} as const
