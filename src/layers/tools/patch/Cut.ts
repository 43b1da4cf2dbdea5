/**
 * Limits the length of texts for clients.
 *
 * @module
 */

/** At most `limit` UTF-16 units of the text, in whole lines where possible, with a note about the rest. */
export const cut = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  const end = text.lastIndexOf("\n", limit - 1) + 1
  const kept = text.slice(0, end === 0 ? limit : end)
  return `${kept}${kept.endsWith("\n") ? "" : "\n"}[${text.length - kept.length} more characters are not shown]\n`
}
