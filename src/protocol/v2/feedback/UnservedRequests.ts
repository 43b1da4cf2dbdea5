/**
 * Requests about feedback that this server does not serve.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Feedback from "./Feedback.ts"

/** By method name. */
export const unservedFeedbackRequests = {
  "feedback/upload": Method.clientRequest({
    params: Feedback.FeedbackUploadParams,
    result: Feedback.FeedbackUploadResponse
  }),
  "feedback/save": Method.clientRequest({ params: Feedback.FeedbackSaveParams, result: Feedback.FeedbackSaveResponse })
} as const
