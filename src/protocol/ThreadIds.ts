/**
 * Thread ids in requests: a client may spell a UUID in several ways, and the server compares ids as text.
 *
 * @module
 */

const hyphenated = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
const canonical = new RegExp(`^${hyphenated}$`)
const other = new RegExp(`^(?:(?:urn:uuid:)?${hyphenated}|\\{${hyphenated}\\}|[0-9a-f]{32})$`, "i")

/** The id in lower case with hyphens. Text that is no UUID is returned unchanged: its handler refuses it. */
export const canonicalId = (id: string): string => {
  if (canonical.test(id) || !other.test(id)) return id
  const digits = id
    .toLowerCase()
    .replace("urn:uuid:", "")
    .replaceAll(/[^0-9a-f]/g, "")
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
}

/** The parameters with their `threadId` in canonical form. */
export const withCanonicalId = (params: unknown): unknown => {
  if (typeof params !== "object" || params === null || !("threadId" in params)) return params
  const { threadId } = params
  if (typeof threadId !== "string") return params
  const id = canonicalId(threadId)
  return id === threadId ? params : { ...params, threadId: id }
}
