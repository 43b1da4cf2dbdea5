/**
 * The error text of an exhausted plan.
 *
 * @module
 */
import { countIn, type JsonObject, stringIn } from "./Json.ts"

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** The advice for a plan. Each text ends before the time of the next try. */
const remedies: ReadonlyMap<string, string> = new Map([
  ["free", "Upgrade to Plus to continue using Codex (https://chatgpt.com/explore/plus), or "],
  ["go", "Upgrade to Plus to continue using Codex (https://chatgpt.com/explore/plus), or "],
  [
    "plus",
    "Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/settings/usage to purchase more credits or "
  ],
  ["pro", "Visit https://chatgpt.com/settings/usage to purchase more credits or "],
  ["prolite", "Visit https://chatgpt.com/settings/usage to purchase more credits or "],
  ["team", "To get more access now, send a request to your admin or "],
  ["business", "To get more access now, send a request to your admin or "],
  ["self_serve_business_usage_based", "To get more access now, send a request to your admin or "],
  ["enterprise_cbp_usage_based", "To get more access now, send a request to your admin or "]
])

const ordinal = (day: number): string => {
  if (day > 10 && day < 14) return `${day}th`
  return `${day}${["th", "st", "nd", "rd"][day % 10] ?? "th"}`
}

/** A time in the server's time zone: only the time of day for today, else with the date. */
const moment = (seconds: number, now: number): string => {
  const at = new Date(seconds * 1000)
  const minutes = String(at.getMinutes()).padStart(2, "0")
  const time = `${at.getHours() % 12 === 0 ? 12 : at.getHours() % 12}:${minutes} ${at.getHours() < 12 ? "AM" : "PM"}`
  if (at.toDateString() === new Date(now).toDateString()) return time
  return `${months[at.getMonth()] ?? ""} ${ordinal(at.getDate())}, ${at.getFullYear()} ${time}`
}

/** The limit that was reached, if it is not the general one. A prefix of header names identifies it. */
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
  const when = resets === undefined ? "later" : `at ${moment(resets, now)}`
  const name = limitName(headers)
  if (name !== undefined)
    return `You’ve hit your usage limit for ${name}. Switch to another model now, or try again ${when}.`
  const promotion = headers["x-codex-promo-message"]
  const remedy = promotion === undefined ? remedies.get(stringIn(error, "plan_type") ?? "") : `${promotion}, or `
  return remedy === undefined
    ? `You’ve hit your usage limit. Try again ${when}.`
    : `You’ve hit your usage limit. ${remedy}try again ${when}.`
}
