/**
 * One case of the policy comparison: the settings of a server, and the commands that the model then calls.
 *
 * Texts may contain placeholders for paths of their case, which both servers have in separate folders: `{mark}` is a file
 * that the case's command creates, outside of everything that a sandbox makes writable; `{work}` is the thread's folder;
 * `{root}` contains the home folder (`{root}/home`) and what the cases of one world share.
 *
 * @module
 */

/** Files by path. A file that begins with `#!` is executable. */
export type Files = Readonly<Record<string, string>>

/** The environment of one server process; cases with equal worlds share a process. */
export interface World {
  /** Top-level keys of the user's `config.toml`; default: everything is allowed. */
  readonly config?: string
  /** Tables of the user's `config.toml`. */
  readonly tables?: string
  /** Files of the home folder. */
  readonly home?: Files
  /** Files of `/etc/codex`. */
  readonly system?: Files
  /** Variables of the server, in addition to the usual ones. */
  readonly environment?: Readonly<Record<string, string>>
  /** Arguments after `app-server`. */
  readonly args?: ReadonlyArray<string>
}

/** The arguments of one call of `exec_command`. */
export interface Call {
  readonly cmd: string
  readonly [argument: string]: unknown
}

/** One turn: the model makes one call, then sends a message. */
export interface Step {
  /** Parameters of `turn/start`. */
  readonly turn?: object
  readonly call: Call
  /** The client's response to an approval request; default: `decline`. */
  readonly decision?: unknown
}

export interface Case {
  /** Unique, and describes the case. */
  readonly name: string
  readonly world: World
  /** The thread's folder: its files, and whether the user trusts it. */
  readonly project?: { readonly trust?: "trusted" | "untrusted"; readonly files?: Files }
  /** Parameters of `thread/start`. */
  readonly start: object
  /** After a turn without a call, the thread continues in this way with these parameters. */
  readonly continued?: { readonly by: "thread/fork" | "thread/resume"; readonly params: object }
  /** The last one is compared. */
  readonly steps: readonly [...ReadonlyArray<Step>, Step]
  /** Names of variables whose visibility is compared: the command prints its environment. */
  readonly secrets?: ReadonlyArray<string>
}

/** The paths of a case on one server. */
export interface Places {
  readonly mark: string
  readonly work: string
  readonly root: string
}

/** Replaces the placeholders in a text. */
export const placed = (text: string, places: Places): string =>
  text.replaceAll(/\{(mark|work|root)\}/g, (_, name: keyof Places) => places[name])

/** Replaces the placeholders in all texts of a value. */
export const placedAll = <A>(value: A, places: Places): A => {
  if (typeof value === "string") return placed(value, places) as A
  if (Array.isArray(value)) return value.map((item) => placedAll(item as unknown, places)) as A
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [placed(key, places), placedAll(item as unknown, places)])
  ) as A
}

/** Limit on the cases of one process, so that several processes share the cases of a world. */
const MaxCases = 300

/** The cases by the process that they share. */
export const byWorld = (cases: ReadonlyArray<Case>): ReadonlyArray<readonly [World, ReadonlyArray<Case>]> => {
  const groups = new Map<string, [World, Array<Case>]>()
  for (const one of cases) {
    const key = JSON.stringify(one.world)
    const group = groups.get(key) ?? [one.world, []]
    group[1].push(one)
    groups.set(key, group)
  }
  return [...groups.values()].flatMap(([world, group]) =>
    Array.from({ length: Math.ceil(group.length / MaxCases) }, (_, part): [World, ReadonlyArray<Case>] => [
      world,
      group.slice(part * MaxCases, (part + 1) * MaxCases)
    ])
  )
}
