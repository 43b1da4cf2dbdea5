/**
 * Describes a command for people: the file that it reads, what it lists, what it searches for.
 *
 * A best effort for plain scripts, following the released server: if one command is neither known nor a mere formatter of
 * another's output, the whole script is one `unknown`. So is a script of very many commands. Never throws, and no decision
 * depends on it.
 *
 * @module
 */
import type { CommandAction } from "../../../protocol/v2/item/CommandAction.ts"
import { display } from "./CommandLine.ts"
import type { PlainCommand, Script, Words } from "./Script.ts"

/** Maximum number of described commands. A longer script is one `unknown`. */
const MaxCommands = 256

/** Maximum length of a path: PATH_MAX of Linux. A script with a longer word or folder is one `unknown`. */
const MaxPath = 4096

/** The actions of `source`, which reads as `script` and runs in `cwd`. At least one. */
export const commandActions = (source: string, script: Script, cwd: string): ReadonlyArray<CommandAction> => {
  const unknown: CommandAction = { type: "unknown", command: source }
  if (script.plain === undefined || script.plain.length > MaxCommands) return [unknown]
  const actions: Array<CommandAction> = []
  let directory = cwd
  for (const command of script.plain) {
    if (command.words.some((word) => word.length > MaxPath)) return [unknown]
    const target = changedDirectory(command.words)
    if (target !== undefined) {
      directory = resolve(directory, target)
      if (directory.length > MaxPath) return [unknown]
      continue
    }
    const action = actionOf(command.words, directory)
    if (action !== undefined) actions.push(action)
    else if (!isMinor(command, actions.length)) return [unknown]
  }
  return actions.length === 0 ? [unknown] : actions
}

const changedDirectory = (words: Words): string | undefined =>
  words[0] === "cd" && words.length === 2 && words[1] !== "-" ? words[1] : undefined

/** Commands that only shape what another one prints, when they read from a pipe. */
const Formatters = new Set([
  "awk",
  "column",
  "cut",
  "fold",
  "head",
  "less",
  "more",
  "nl",
  "paste",
  "sed",
  "sort",
  "tail",
  "tee",
  "tr",
  "uniq",
  "wc",
  "xargs"
])

/** Commands without a separate action: a formatter after a pipe, `true`, or a leading `echo`. */
const isMinor = ({ words, piped }: PlainCommand, before: number): boolean => {
  const name = words[0] ?? ""
  return (piped && Formatters.has(name)) || name === "true" || (name === "echo" && before === 0)
}

const actionOf = (words: Words, directory: string): CommandAction | undefined => {
  const [name = "", ...args] = words
  const command = display(words)
  const reader = Readers.get(name)
  if (reader !== undefined) {
    const file = reader(args)
    return file === undefined
      ? undefined
      : { type: "read", command, name: shortPath(file) ?? file, path: resolve(directory, file) }
  }
  const found = Finders.get(name)?.(args)
  if (found === undefined) return undefined
  const path = shortPath(found.path)
  return "query" in found ? { type: "search", command, query: found.query, path } : { type: "listFiles", command, path }
}

type Reader = (args: Words) => string | undefined

/** A command's name may be any word, including `constructor`. */
function table<A>(entries: Readonly<Record<string, A>>): ReadonlyMap<string, A> {
  return new Map(Object.entries(entries))
}

type Found = { readonly path: string | null } | { readonly query: string | null; readonly path: string | null }

/** The arguments that are not options; `takesValue` are the options whose value is the next argument. */
const operands = (args: Words, takesValue: ReadonlySet<string> = NoOptions): Words => {
  const found: Array<string> = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? ""
    if (arg === "--") return [...found, ...args.slice(index + 1)]
    if (takesValue.has(arg)) index++
    else if (!arg.startsWith("-")) found.push(arg)
  }
  return found
}

const options = (...names: ReadonlyArray<string>): ReadonlySet<string> => new Set(names)
const NoOptions: ReadonlySet<string> = new Set()

/** A command that reads the one file it is given. */
const oneFile =
  (takesValue: ReadonlySet<string> = NoOptions): Reader =>
  (args) => {
    const files = operands(args, takesValue)
    return files.length === 1 && files[0] !== "-" ? files[0] : undefined
  }

/** `head` and `tail`, with a count of lines or none. */
const lines: Reader = (args) => {
  const counted = args[0] === "-n" && /^[+-]?\d+$/.test(args[1] ?? "")
  const rest = counted ? args.slice(2) : /^-n[+-]?\d+$/.test(args[0] ?? "") ? args.slice(1) : args
  return rest.length === 1 && rest[0]?.startsWith("-") === false ? rest[0] : undefined
}

/** `sed -n 5,9p file`: a range of lines and nothing else. */
const lineRange: Reader = (args) =>
  args.length === 3 && args[0] === "-n" && /^\d+(?:,\d+)?p$/.test(args[1] ?? "") ? args[2] : undefined

/** `awk 'program' file`. */
const program: Reader = (args) => {
  const [, ...files] = operands(args, options("-F", "-v"))
  return files.length === 1 ? files[0] : undefined
}

const Readers: ReadonlyMap<string, Reader> = table<Reader>({
  cat: oneFile(),
  bat: oneFile(options("--theme", "--language", "-l", "--line-range", "-r")),
  batcat: oneFile(),
  less: oneFile(options("-p", "-P", "-t", "-T", "-o", "-x", "-y", "-z")),
  more: oneFile(),
  nl: oneFile(options("-s", "-w", "-v", "-i", "-b")),
  "Get-Content": oneFile(),
  head: lines,
  tail: lines,
  sed: lineRange,
  awk: program
})

type Finder = (args: Words) => Found | undefined

const list =
  (takesValue: ReadonlySet<string> = NoOptions): Finder =>
  (args) => ({ path: operands(args, takesValue)[0] ?? null })

const search =
  (takesValue: ReadonlySet<string>): Finder =>
  (args) => {
    const [query = null, path = null] = operands(args, takesValue)
    return { query, path }
  }

const RipgrepOptions = options(
  "-A",
  "-B",
  "-C",
  "-g",
  "-m",
  "-t",
  "-T",
  "-j",
  "-M",
  "-r",
  "--glob",
  "--iglob",
  "--type",
  "--type-not",
  "--max-count",
  "--max-depth",
  "--context",
  "--after-context",
  "--before-context"
)
const GrepOptions = options("-A", "-B", "-C", "-m", "--context", "--after-context", "--before-context", "--max-count")

const ripgrep: Finder = (args) => (args.includes("--files") ? list(RipgrepOptions)(args) : search(RipgrepOptions)(args))

const git: Finder = ([subcommand, ...args]) =>
  subcommand === "grep" ? search(GrepOptions)(args) : subcommand === "ls-files" ? list()(args) : undefined

/** The name test is the query; without one it lists. */
const find: Finder = (args) => {
  const test = args.findIndex((arg) => /^-i?(?:name|path|regex)$/.test(arg))
  const path = args[0] === undefined || /^[-(!]/.test(args[0]) ? null : args[0]
  return test === -1 ? { path } : { query: args[test + 1] ?? null, path }
}

const FdOptions = options("-t", "-e", "-E", "-d", "--type", "--extension", "--exclude", "--max-depth")

const fd: Finder = (args) => {
  const [query, path = null] = operands(args, FdOptions)
  return query === undefined ? { path } : { query, path }
}

const Finders: ReadonlyMap<string, Finder> = table<Finder>({
  ls: list(options("-I", "-w", "-T", "--ignore", "--width", "--block-size")),
  eza: list(options("-I", "-L", "-s", "--level", "--sort", "--ignore-glob")),
  exa: list(options("-I", "-L", "-s", "--level", "--sort", "--ignore-glob")),
  tree: list(options("-L", "-P", "-I", "--charset", "--filelimit", "--sort")),
  du: list(options("-d", "-t", "--max-depth", "--threshold", "--exclude")),
  rg: ripgrep,
  rga: ripgrep,
  grep: search(GrepOptions),
  egrep: search(GrepOptions),
  fgrep: search(GrepOptions),
  ag: search(GrepOptions),
  ack: search(GrepOptions),
  pt: search(GrepOptions),
  git,
  find,
  fd
})

const Uninformative = new Set(["src", "dist", "build", "node_modules"])

/** The last meaningful part of a path: `a/src` is `a`, and `src` alone is `src`. */
const shortPath = (path: string | null): string | null => {
  if (path === null) return null
  const parts = path.replace(/\/+$/, "").split("/")
  return parts.findLast((part) => part !== "" && !Uninformative.has(part)) ?? parts.at(-1) ?? path
}

/** Joins and tidies POSIX paths; `path` may be absolute. */
const resolve = (directory: string, path: string): string => {
  const parts: Array<string> = []
  for (const part of (path.startsWith("/") ? path : `${directory}/${path}`).split("/")) {
    if (part === "..") parts.pop()
    else if (part !== "" && part !== ".") parts.push(part)
  }
  return `/${parts.join("/")}`
}
