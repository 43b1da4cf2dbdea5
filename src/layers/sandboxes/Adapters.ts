/**
 * The sandboxes of this machine: finds their programs, tries them, and confines commands with the first that works.
 *
 * Owns the order of preference: bubblewrap, which enforces everything by the kernel, then Landlock. Loaded with the first
 * command that needs a sandbox.
 *
 * @module
 */
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { FileAccess } from "../../services/sandbox/FileAccess.ts"
import type { SandboxedCommand, SandboxFinding } from "../../services/sandbox/Sandbox.ts"
import * as Bubblewrap from "./Bubblewrap.ts"
import { keepDescriptors } from "./Descriptors.ts"
import * as Landlock from "./Landlock.ts"
import { MountPoints } from "./MountPoints.ts"
import { probe } from "./Probe.ts"
import { type Architecture, architectureOf, filter } from "./Seccomp.ts"
import * as UnlinkedFile from "./UnlinkedFile.ts"

/** The names of the sandboxes, in order of preference. */
export const Names = ["bubblewrap", "landlock"] as const
/** The name of a sandbox. */
export type Name = (typeof Names)[number]

/** A sandbox that works on this machine. */
export interface Adapter {
  readonly name: Name
  /** Rewrites a command, or says why the sandbox cannot enforce the policy. */
  readonly confine: (
    command: SandboxedCommand,
    files: FileAccess,
    network: boolean
  ) => Effect.Effect<SandboxedCommand, string>
}

/** The result of trying the sandboxes. */
export interface Found {
  readonly adapter: Adapter | undefined
  readonly findings: ReadonlyArray<SandboxFinding>
}

/** What the search depends on. */
export interface Options {
  /** The search path for programs. Relative folders in it are ignored. */
  readonly searchPath: string | undefined
  /** The sandboxes that may be used. */
  readonly names: ReadonlyArray<Name>
}

type Tried = { readonly finding: SandboxFinding; readonly adapter: Adapter | undefined }

/** Tries the sandboxes until one works. Their resources end with the scope. */
export const find = ({ names, searchPath }: Options): Effect.Effect<Found, never, Scope.Scope> =>
  Effect.gen(function* () {
    yield* Effect.promise(keepDescriptors)
    const findings: Array<SandboxFinding> = []
    for (const name of names) {
      const tried = yield* tryAdapter(name, searchPath)
      findings.push(tried.finding)
      if (tried.adapter !== undefined) return { adapter: tried.adapter, findings }
    }
    return { adapter: undefined, findings }
  })

const tryAdapter = (name: Name, searchPath: string | undefined): Effect.Effect<Tried, never, Scope.Scope> => {
  const architecture = architectureOf(process.arch)
  if (process.platform !== "linux" || architecture === undefined) {
    return Effect.succeed(failed(name, `there is none for ${process.platform} on ${process.arch}`))
  }
  const attempt = name === "bubblewrap" ? tryBubblewrap : tryLandlock
  return Effect.catch(attempt(architecture, searchPath), (error) => Effect.succeed(failed(name, error.message)))
}

const failed = (name: Name, detail: string): Tried => ({
  finding: { name, works: false, detail },
  adapter: undefined
})

const works = (adapter: Adapter, detail: string): Tried => ({
  finding: { name: adapter.name, works: true, detail },
  adapter
})

/** The first executable file of this name in the absolute folders of the search path. */
const which = (name: string, searchPath = ""): string | undefined =>
  [...searchPath.split(":"), "/usr/bin", "/bin", "/usr/local/bin"]
    .filter((folder) => Path.isAbsolute(folder))
    .map((folder) => Path.join(folder, name))
    .find((path) => {
      try {
        Fs.accessSync(path, Fs.constants.X_OK)
        return Fs.statSync(path).isFile()
      } catch {
        return false
      }
    })

const tryBubblewrap = Effect.fnUntraced(function* (architecture: Architecture, searchPath: string | undefined) {
  const executable = which("bwrap", searchPath)
  if (executable === undefined) return failed("bubblewrap", "bwrap is not installed: install the package bubblewrap")
  const filters = {
    network: yield* UnlinkedFile.make(filter({ architecture, network: true, processes: false })),
    noNetwork: yield* UnlinkedFile.make(filter({ architecture, network: false, processes: true }))
  }
  let reason: string | undefined
  const root = process.getuid?.() === 0
  for (const userNamespace of root ? [true, false] : [true]) {
    const bubblewrap = { executable, filters, root, userNamespace }
    const wrap = (command: SandboxedCommand, entries: FileAccess["entries"]) =>
      Bubblewrap.wrap(bubblewrap, command, { entries, network: false })
    const problem = yield* probe(wrap, { seesProcesses: false })
    if (problem === undefined) return works(bubblewrapAdapter(bubblewrap), executable)
    reason ??= problem
  }
  return failed("bubblewrap", `${executable} does not work here: ${reason}`)
})

const bubblewrapAdapter = (bubblewrap: Bubblewrap.Bubblewrap): Adapter => {
  const mountPoints = new MountPoints()
  return {
    name: "bubblewrap",
    confine: (command, files, network) => {
      const entries = Bubblewrap.mountable(files.entries)
      const missing = entries.filter(({ kind }) => kind === "missing").map(({ path }) => path)
      const wrapped = Bubblewrap.wrap(bubblewrap, command, { entries, network })
      return Effect.as(
        unlinked(entries),
        missing.length === 0 ? wrapped : { ...wrapped, held: mountPoints.hold(missing) }
      )
    }
  }
}

/** The program in the optional dependency for this platform. */
const landstripPath = (): string | undefined => {
  try {
    const folder = createRequire(import.meta.url).resolve(`@landstrip/landstrip-linux-${process.arch}/package.json`)
    const path = Path.join(Path.dirname(folder), "bin/landstrip")
    Fs.accessSync(path, Fs.constants.X_OK)
    return path
  } catch {
    return undefined
  }
}

const tryLandlock = Effect.fnUntraced(function* (architecture: Architecture, searchPath: string | undefined) {
  const landstrip = landstripPath()
  if (landstrip === undefined) {
    return failed("landlock", `the optional dependency @landstrip/landstrip-linux-${process.arch} is not installed`)
  }
  const perl = which("perl", searchPath)
  if (perl === undefined) return failed("landlock", "perl is not installed, which starts commands under Landlock")
  const landlock = { landstrip, perl, architecture }
  const problem = yield* probe((command, entries) => Landlock.wrap(landlock, command, { entries, network: false }), {
    seesProcesses: true
  })
  return problem === undefined
    ? works(
        landlockAdapter(landlock),
        `${landstrip}. It protects .git, .agents, .codex and .aws less well than bubblewrap: see docs/security.md`
      )
    : failed("landlock", `it does not work here: ${problem}`)
})

const landlockAdapter = (landlock: Landlock.Landlock): Adapter => ({
  name: "landlock",
  confine: (command, { entries }, network) =>
    Effect.as(unlinked(entries), Landlock.wrap(landlock, command, { entries, network }))
})

/** Fails when a protected name is a link: no sandbox can prevent that another file takes its place. */
const unlinked = (entries: FileAccess["entries"]): Effect.Effect<void, string> => {
  const link = entries.find(({ kind }) => kind === "link")
  return link === undefined
    ? Effect.void
    : Effect.fail(`${link.path} is a symbolic link in a writable folder, so it cannot be protected`)
}
