/**
 * Valid and invalid signed bearer tokens.
 *
 * @module
 */
import { createHmac } from "node:crypto"

/** Long enough for a signature. */
export const secret = "k".repeat(40)

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

export const sign = (
  claims: unknown,
  options: { readonly alg?: string; readonly hash?: string; readonly key?: string; readonly head?: object } = {}
): string => {
  const { alg = "HS256", hash = "sha256", head = {}, key = secret } = options
  const signed = `${base64({ alg, typ: "JWT", ...head })}.${base64(claims)}`
  const signature = alg === "none" ? "" : createHmac(hash, key).update(signed).digest("base64url")
  return `${signed}.${signature}`
}
