/**
 * What a user reads whose plan is used up.
 *
 * @module
 */
import { countIn, type JsonObject, stringIn } from "./Json.ts"

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

const plus = "Upgrade to Plus to continue using Codex (https://chatgpt.com/explore/plus), or "
const credits = "isit https://chatgpt.com/settings/usage to purchase more credits or "
const admin = "To get more access now, send a request to your admin or "

/** What a user of a plan can do at once, up to the words about when to come back. */
const remedies: ReadonlyMap<string, string> = new Map([
  ["free", plus],
  ["go", plus],
  ["plus", `Upgrade to Pro (https://chatgpt.com/explore/pro), v${credits}`],
  ["pro", `V${credits}`],
  ["prolite", `V${credits}`],
  ["team", admin],
  ["business", admin],
  ["self_serve_business_usage_based", admin],
  ["enterprise_cbp_usage_based", admin]
])

const ordinal = (day: number): string => {
  if (day > 10 && day < 14) return `${day}th`
  return `${day}${["th", "st", "nd", "rd"][day % 10] ?? "th"}`
}

/** A moment in the server's time zone: the time of day alone while it is today, else with the date. */
const moment = (seconds: number, now: number): string => {
  const at = new Date(seconds * 1000)
  const minutes = String(at.getMinutes()).padStart(2, "0")
  const time = `${at.getHours() % 12 === 0 ? 12 : at.getHours() % 12}:${minutes} ${at.getHours() < 12 ? "AM" : "PM"}`
  if (at.toDateString() === new Date(now).toDateString()) return time
  return `${months[at.getMonth()] ?? ""} ${ordinal(at.getDate())}, ${at.getFullYear()} ${time}`
}

/** The limit that was hit, where it is not the general one: the headers name it by a prefix. */
const limitName = (headers: Readonly<Record<string, string | undefined>>): string | undefined => {
  const active = headers["x-codex-active-limit"]?.trim().toLowerCase().replaceAll("_", "-")
  if (active === undefined || active === "" || active === "codex") return undefined
  return headers[`x-${active}-limit-name`]
}

/**
 * The text for `usage_limit_reached`. `error` is the error object of the answer, `now` is in milliseconds.
 */
export const usageLimit = (
  error: JsonObject,
  headers: Readonly<Record<string, string | undefined>>,
  now: number
): string => {
  const resets = countIn(error, "resets_at")
  const later = resets === undefined ? "try again later." : `try again at ${moment(resets, now)}.`
  const name = limitName(headers)
  if (name !== undefined) return `You’ve hit your usage limit for ${name}. Switch to another model now, or ${later}`
  const promotion = headers["x-codex-promo-message"]
  const remedy = promotion === undefined ? remedies.get(stringIn(error, "plan_type") ?? "") : `${promotion}, or `
  if (remedy === undefined) return `You’ve hit your usage limit. T${later.slice(1)}`
  return `You’ve hit your usage limit. ${remedy}${later}`
}
