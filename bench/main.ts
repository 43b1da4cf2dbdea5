/**
 * `npm run bench`: compares this server with its peers in one run, for speed and memory. Fails only when a figure could not
 * be measured.
 */
import process from "node:process"
import { parseArgs } from "node:util"
import type { Figure } from "./figure.ts"
import { history } from "./figures/history.ts"
import { idleThreads } from "./figures/idleThreads.ts"
import { idleConnections, watchers } from "./figures/connections.ts"
import { deltas } from "./figures/deltas.ts"
import { manyThreads } from "./figures/manyThreads.ts"
import { memory } from "./figures/memory.ts"
import { concurrent, sequential } from "./figures/requests.ts"
import { patch } from "./figures/patch.ts"
import { start } from "./figures/start.ts"
import { sandbox } from "./figures/sandbox.ts"
import { slowReader } from "./figures/slowReader.ts"
import { busyStop, idleStop } from "./figures/stop.ts"
import { threadStart } from "./figures/threadStart.ts"
import { toolMemory, toolOutput, toolThreads, toolTurn } from "./figures/tools.ts"
import { turn } from "./figures/turn.ts"
import { flood, stdioRequests, streamingThreads, wsRequests } from "./figures/transports.ts"
import { json, table } from "./report.ts"
import { open, type World } from "./world.ts"

/** The figures that are measured together, by the name of the first one. */
const groups: ReadonlyMap<string, (world: World) => Promise<ReadonlyArray<Figure>>> = new Map([
  ["request-sequential", sequential],
  ["request-concurrent", concurrent],
  ["start", start],
  ["thread-start", threadStart],
  ["turn", turn],
  ["patch", patch],
  ["many-threads", manyThreads],
  ["tool-turn", toolTurn],
  ["tool-threads", toolThreads],
  ["tool-output", toolOutput],
  ["tool-memory", toolMemory],
  ["deltas", deltas],
  ["memory", memory],
  ["idle-threads", idleThreads],
  ["history", history],
  ["stdio-requests", stdioRequests],
  ["ws-requests", wsRequests],
  ["streaming-threads", streamingThreads],
  ["flood", flood],
  ["slow-reader", slowReader],
  ["idle-connections", idleConnections],
  ["watchers", watchers],
  ["idle-stop", idleStop],
  ["busy-stop", busyStop],
  ["sandbox-bubblewrap", sandbox]
])

const help = `npm run bench -- [options]

  --only NAME,NAME   measure only these: ${[...groups.keys()].join(", ")}
  --quick            fewer rounds; the figures are noisier
  --json             the figures by name instead of the table
  --help             this text

Examples:
  npm run bench -- --only turn,deltas
  npm run --silent bench -- --json > figures.json

Peers are installed once into SPINDLE_BENCH_DIR (default ~/.cache/spindle-bench). See docs/bench.md.
`

const options = {
  help: { type: "boolean" },
  json: { type: "boolean" },
  only: { type: "string" },
  quick: { type: "boolean" }
} as const

/** The group of a figure, by its name in kebab or camel case; undefined when there is none. */
const groupOf = (name: string): string | undefined => {
  const kebab = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return [...groups.keys()].find((group) => kebab === group || kebab.startsWith(`${group}-`))
}

/** The groups to measure, in the order of the table. */
const select = (only: string | undefined): ReadonlyArray<string> => {
  const all = [...groups.keys()]
  if (only === undefined) return all
  const names = only.split(",")
  const unknown = names.filter((name) => groupOf(name) === undefined)
  if (unknown.length > 0) throw new Error(`unknown figure: ${unknown.join(", ")}. Known figures: ${all.join(", ")}`)
  const wanted = new Set(names.map(groupOf))
  return all.filter((name) => wanted.has(name))
}

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`)
}

/** Adds the figures as they are measured. */
const measure = async (world: World, names: ReadonlyArray<string>, figures: Array<Figure>): Promise<void> => {
  for (const [place, name] of names.entries()) {
    progress(`${place + 1}/${names.length} ${name}`)
    try {
      figures.push(...((await groups.get(name)?.(world)) ?? []))
    } catch (error) {
      process.exitCode = 1
      const missing = `failed: ${error instanceof Error ? error.message : String(error)}`
      figures.push({ name, what: name, unit: "ms", ours: { missing }, peers: new Map() })
    }
  }
}

const main = async (args: ReadonlyArray<string>): Promise<void> => {
  const { values } = parseArgs({ args: [...args], options })
  if (values.help === true) {
    process.stdout.write(help)
    return
  }
  const names = select(values.only)
  const figures: Array<Figure> = []
  const show = (): void => {
    progress("")
    process.stdout.write(values.json === true ? json(figures) : table(figures))
  }
  // On an interrupt it prints the figures so far and ends its child processes.
  const end = (code: number) => () => {
    if (figures.length > 0) show()
    process.exit(code)
  }
  process.once("SIGINT", end(130))
  process.once("SIGTERM", end(143))
  const world = await open({ quick: values.quick === true, progress })
  try {
    await measure(world, names, figures)
    show()
  } finally {
    world.close()
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
