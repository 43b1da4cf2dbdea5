/**
 * The table for users and the figures for programs.
 */
import * as Os from "node:os"
import process from "node:process"
import { type Figure, isMissing, moreIsBetter, ratio, reached, type Result, type Target, type Unit } from "./figure.ts"

const number = (value: number): string => {
  if (value >= 1000) return Math.round(value).toLocaleString("en").replaceAll(",", " ")
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

const quantity = (result: Result, unit: Unit): string => {
  if (isMissing(result)) return result.missing
  return unit === "/s" ? `${number(result.median)}/s` : `${number(result.median)} ${unit}`
}

const multiple = (value: number | undefined): string =>
  value === undefined ? "" : `${value >= 10 ? value.toFixed(1) : value.toFixed(value < 0.1 ? 3 : 2)}x`

const targetText = (target: Target, unit: Unit): string => {
  const sign = moreIsBetter(unit) ? ">=" : "<="
  if (target._tag === "Figure") return `${sign} ${number(target.limit)}${unit === "/s" ? unit : ` ${unit}`}`
  const later = target.later === undefined ? "" : `, later ${target.later}x`
  return `${sign} ${target.limit}x ${target.peer}${later}`
}

const answer = (figure: Figure): string => {
  if (figure.target === undefined) return ""
  const is = reached(figure)
  return is === undefined ? "unknown" : is ? "yes" : "no"
}

/** The spread of half of the rounds around the median; unknown for a single round. */
const noise = (result: Result): string =>
  isMissing(result) || result.count < 2 ? "" : `±${Math.round(result.spread * 50)}%`

const headings = ["what", "ours", "noise", "peer", "", "ours/peer", "target", "reached"]

/** One line per peer; the first one also has the figure itself. */
const linesOf = (figure: Figure): ReadonlyArray<ReadonlyArray<string>> => {
  const { ours, peers, target, unit, what } = figure
  const head = [what, quantity(ours, unit), noise(ours)]
  const tail = [target === undefined ? "" : targetText(target, unit), answer(figure)]
  if (peers.size === 0) return [[...head, "", "", "", ...tail]]
  return [...peers].map(([name, peer], line) => {
    const middle = [name, quantity(peer, unit), multiple(ratio(ours, peer))]
    return line === 0 ? [...head, ...middle, ...tail] : ["", "", "", ...middle, "", ""]
  })
}

const rightAligned = new Set([1, 2, 4, 5])

/** The properties of the machine that affect the figures. */
const machine = () => ({
  node: process.version,
  platform: `${Os.platform()} ${Os.release()} ${Os.arch()}`,
  cpus: Os.cpus().length,
  /** Runnable processes over the last minutes; with more of them than CPUs the figures are noisy. */
  load: Os.loadavg().map((value) => Math.round(value * 100) / 100)
})

export const table = (figures: ReadonlyArray<Figure>): string => {
  const rows = [headings, ...figures.flatMap(linesOf)]
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return rightAligned.has(column) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join("  ")
      .trimEnd()
  const rule = widths.map((width) => "-".repeat(width)).join("  ")
  const { cpus, load, node, platform } = machine()
  const foot = `Medians; Node ${node}, ${platform}, ${cpus} CPUs, load ${load.join(" ")}`
  return `${[line(headings), rule, ...rows.slice(1).map(line), "", foot].join("\n")}\n`
}

/** The figures by name, including data that the table omits. */
export const json = (figures: ReadonlyArray<Figure>): string => {
  const entries = figures.map((figure) => {
    const { name, ours, peers, target, unit, what } = figure
    const beside = [...peers].map(([peer, result]) => [peer, { ...result, ratio: ratio(ours, result) ?? null }])
    const value = { what, unit, ours, peers: Object.fromEntries(beside), target: target ?? null }
    return [name, { ...value, reached: reached(figure) ?? null }]
  })
  return `${JSON.stringify({ machine: machine(), figures: Object.fromEntries(entries) }, null, 2)}\n`
}
