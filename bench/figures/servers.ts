/**
 * This server and the released one at the same time, each in its own folders.
 */
import { isMissing, type Missing, type Result } from "../figure.ts"
import { type Contestant, type Sample, takeTurns } from "../sample.ts"
import { type Launch, Server } from "../server.ts"
import { codex, type Deltas, type Folders, folders, spindle, type World } from "../world.ts"

export const ours = "ours"

const starters = new Map<string, (world: World, folders: Folders, ...flags: ReadonlyArray<string>) => Launch | Missing>(
  [
    [ours, spindle],
    ["codex", codex]
  ]
)

/** How both servers are started, each in its own folders that it has used once before. */
export const launches = async (
  world: World,
  deltas: Deltas = 1,
  ...flags: ReadonlyArray<string>
): Promise<ReadonlyMap<string, Launch | Missing>> => {
  const made = new Map<string, Launch | Missing>()
  for (const [name, starter] of starters) made.set(name, starter(world, await folders(world, deltas), ...flags))
  return made
}

/** Runs both, initialized, while `use` runs. */
export const withServers = async <A>(
  launched: ReadonlyMap<string, Launch | Missing>,
  use: (servers: ReadonlyMap<string, Server>) => Promise<A>
): Promise<A> => {
  const servers = new Map<string, Server>()
  try {
    for (const [name, launch] of launched) if (!isMissing(launch)) servers.set(name, new Server(launch))
    await Promise.all([...servers.values()].map((server) => server.initialize()))
    return await use(servers)
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}

/** The samples, and the reasons of missing ones, in the order of the table. */
export const withMissing = (
  launched: ReadonlyMap<string, Launch | Missing>,
  samples: ReadonlyMap<string, Sample>
): ReadonlyMap<string, Result> => {
  const missing = [...launched].filter((entry): entry is [string, Missing] => isMissing(entry[1]))
  return new Map<string, Result>([...samples, ...missing])
}

/** Measures both alternately, after warm-up rounds. */
export const compareServers = (
  servers: ReadonlyMap<string, Server>,
  rounds: { readonly warm: number; readonly measured: number },
  measure: (server: Server, name: string) => Promise<number | ReadonlyArray<number>>,
  beside: ReadonlyMap<string, Contestant> = new Map()
): Promise<ReadonlyMap<string, Sample>> => {
  const contestants = [...servers].map(([name, server]): [string, Contestant] => [name, () => measure(server, name)])
  const all = new Map([...contestants, ...beside])
  return takeTurns(rounds.warm, all).then(() => takeTurns(rounds.measured, all))
}
