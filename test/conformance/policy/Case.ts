/**
 * One case of the comparison of policies: what a server is given, and what a model then wants to run.
 *
 * Texts may name places of their case, which both servers have in folders of their own: `{mark}` is a file that the case's
 * command creates, outside of everything a sandbox lets it write; `{work}` is the folder of the thread; `{root}` holds the
 * home folder (`{root}/home`) and what the cases of one world share.
 *
 * @module
 */

/** Files by their path. What begins with `#!` may be executed. */
export type Files = Readonly<Record<string, string>>

/** What one server process is started with; cases of equal worlds share a process. */
export interface World {
  /** Top-level keys of the user's `config.toml`; what allows everything when left out. */
  readonly config?: string
  /** Tables of the user's `config.toml`. */
  readonly tables?: string
  /** Files of the home folder. */
  readonly home?: Files
  /** Files of `/etc/codex`. */
  readonly system?: Files
  /** Variables of the server, on top of the usual ones. */
  readonly environment?: Readonly<Record<string, string>>
  /** Arguments after `app-server`. */
  readonly args?: ReadonlyArray<string>
}

/** The arguments of one call of `exec_command`. */
export interface Call {
  readonly cmd: string
  readonly [argument: string]: unknown
}

/** One turn: the model calls once, then it says something. */
export interface Step {
  /** Parameters of `turn/start`. */
  readonly turn?: object
  readonly call: Call
  /** The client's answer to what it is asked; `decline` when left out. */
  readonly decision?: unknown
}

export interface Case {
  /** Unique, and says what is tried. */
  readonly name: string
  readonly world: World
  /** The folder of the thread: its files, and whether the user trusts it. */
  readonly project?: { readonly trust?: "trusted" | "untrusted"; readonly files?: Files }
  /** Parameters of `thread/start`. */
  readonly start: object
  /** After a turn without a call the thread goes on in this way, with these parameters. */
  readonly continued?: { readonly by: "thread/fork" | "thread/resume"; readonly params: object }
  /** The last one is judged. */
  readonly steps: readonly [...ReadonlyArray<Step>, Step]
  /** Names of variables whose visibility is compared: the command prints its environment. */
  readonly secrets?: ReadonlyArray<string>
}

/** The places of a case on one server. */
export interface Places {
  readonly mark: string
  readonly work: string
  readonly root: string
}

/** A text with the places it names. */
export const placed = (text: string, places: Places): string =>
  text.replaceAll(/\{(mark|work|root)\}/g, (_, name: keyof Places) => places[name])

/** A value with the places its texts name. */
export const placedAll = <A>(value: A, places: Places): A => {
  if (typeof value === "string") return placed(value, places) as A
  if (Array.isArray(value)) return value.map((item) => placedAll(item as unknown, places)) as A
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [placed(key, places), placedAll(item as unknown, places)])
  ) as A
}

/** The cases by the process they can share. */
export const byWorld = (cases: ReadonlyArray<Case>): ReadonlyArray<readonly [World, ReadonlyArray<Case>]> => {
  const groups = new Map<string, [World, Array<Case>]>()
  for (const one of cases) {
    const key = JSON.stringify(one.world)
    const group = groups.get(key) ?? [one.world, []]
    group[1].push(one)
    groups.set(key, group)
  }
  return [...groups.values()]
}
