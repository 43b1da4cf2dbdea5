/**
 * Requests about the verification of the user that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as UserVerification from "./UserVerification.ts"

/** By method name. */
export const unservedUserVerificationRequests = {
  "userVerification/status": Method.clientRequest({
    params: UserVerification.UserVerificationStatusParams,
    result: UserVerification.UserVerificationStatusResponse
  }),
  "userVerification/enroll": Method.clientRequest({
    params: UserVerification.UserVerificationEnrollParams,
    result: UserVerification.UserVerificationEnrollResponse
  }),
  "userVerification/delete": Method.clientRequest({
    params: UserVerification.UserVerificationDeleteParams,
    result: EmptyResult
  }),
  "userVerification/verify": Method.clientRequest({
    params: UserVerification.UserVerificationVerifyParams,
    result: UserVerification.UserVerificationVerifyResponse
  }),
  "userVerification/cancel": Method.clientRequest({
    params: UserVerification.UserVerificationCancelParams,
    result: EmptyResult
  })
} as const
