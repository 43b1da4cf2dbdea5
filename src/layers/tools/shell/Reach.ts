/**
 * Determines which programs a script may run: those it names, those that its programs run (`env touch x`, `bash -c '…'`,
 * `find -exec`), and whether there may be others.
 *
 * An over-approximation, for restricting rules. An unknown program is assumed to run any of its arguments; what a program
 * does internally, such as a script file or `make`, cannot be seen.
 *
 * @module
 */
import { programName, restricts, type Word } from "./Rules.ts"
import type { Rule } from "../../../services/tool/ExecRules.ts"
import { read, type Script } from "./Script.ts"

export interface Reach {
  /** Commands that the script runs, if it reaches them. */
  readonly commands: ReadonlyArray<ReadonlyArray<Word>>
  /** Parts of commands that may themselves be commands. */
  readonly suspects: ReadonlyArray<ReadonlyArray<Word>>
  /** Texts that a program may interpret as commands. */
  readonly texts: ReadonlyArray<string>
  /** Arguments that may end in the name of a program, as in `-Otouch`. */
  readonly glued: ReadonlyArray<string>
  /** True when it may run any program. */
  readonly opaque: boolean
  /** True when the script exceeded the work limit, so that parts of it were not examined. */
  readonly exhausted: boolean
}

export const reachOf = (script: Script): Reach => {
  const survey = new Survey(script.redefines)
  survey.script(script, 0)
  return survey
}

/** `yes` when the rule applies to a command, `maybe` when that cannot be excluded. */
export const reaching = (reach: Reach): ((rule: Rule) => "yes" | "maybe" | "no") => {
  const commands = byProgram(reach.commands)
  const suspects = byProgram(reach.suspects)
  const glued = reach.opaque ? [] : Array.from(new Set(reach.glued), readText)
  const texts = reach.opaque ? [] : Array.from(new Set(reach.texts), readText)
  return (rule) => {
    const names = new Set((rule.pattern[0] ?? []).map(programName))
    const any = (of: Programs, verdict: "yes" | "maybe"): boolean =>
      Array.from(names).some((name) => of.get(name)?.some((words) => restricts(rule, words) === verdict) === true)
    if (any(commands, "yes")) return "yes"
    return reach.opaque ||
      commands.has(null) ||
      any(commands, "maybe") ||
      suspects.has(null) ||
      any(suspects, "yes") ||
      any(suspects, "maybe") ||
      texts.some((text) => mentions(text, rule)) ||
      glued.some((argument) => endsInName(argument, rule))
      ? "maybe"
      : "no"
  }
}

/** Commands by the names of their programs; those with an unknown program are under null. */
type Programs = ReadonlyMap<string | null, ReadonlyArray<ReadonlyArray<Word>>>

const byProgram = (commands: Reach["commands"]): Programs => {
  const programs = new Map<string | null, Array<ReadonlyArray<Word>>>()
  for (const words of commands) {
    const [program] = words
    if (program === undefined) continue
    const name = program === null ? null : programName(program)
    const others = programs.get(name)
    if (others === undefined) programs.set(name, [words])
    else others.push(words)
  }
  return programs
}

interface Text {
  readonly plain: string
  readonly words: ReadonlySet<string>
}

const readText = (text: string): Text => {
  const plain = text.normalize("NFKC").toLowerCase()
  return { plain, words: new Set([...wordsIn(plain), ...wordsIn(plain.replace(/['"\\]/g, ""))]) }
}

/** True when the text contains, as words, one alternative of every position. */
const mentions = ({ plain, words }: Text, rule: Rule): boolean =>
  rule.pattern.every((alternatives) =>
    alternatives.some((word) => {
      const parts = wordsIn(programName(word))
      return parts.length === 0 ? plain.includes(word.toLowerCase()) : parts.every((part) => words.has(part))
    })
  )

/** True when a word in the argument ends in the name of the rule's program. Arguments after the name are not compared. */
const endsInName = ({ plain, words }: Text, rule: Rule): boolean =>
  (rule.pattern[0] ?? []).map(programName).some((name) => {
    const [part = "", ...others] = wordsIn(name)
    return part === name && others.length === 0
      ? Array.from(words).some((word) => word.endsWith(name))
      : plain.includes(name)
  })

const wordsIn = (text: string): ReadonlyArray<string> => text.match(/[\p{L}\p{N}_.+-]+/gu) ?? []

const set = (names: string): ReadonlySet<string> => new Set(names.split(" "))

const Shells = set("sh bash zsh dash ksh mksh ash fish rbash yash csh tcsh")
/** Programs that run their operand, or what follows it. */
const Wrappers = set(
  "sudo doas env command exec builtin nohup nice time timeout xargs parallel setsid stdbuf ionice chroot unshare nsenter " +
    "su runuser watch script flock taskset chrt busybox toybox strace ltrace entr caffeinate arch setarch systemd-run " +
    "noglob nocorrect repeat coproc - ssh unbuffer dbus-run-session firejail bwrap proot fakeroot gosu"
)
/** Programs that read more words from their input. */
const Appending = set("xargs parallel")
/** Builtins that change the meaning of names, or run code that cannot be seen here. */
const Opaque = set(
  "source . alias hash enable bind complete compgen fc history mapfile readarray zmodload autoload emulate"
)
/** Interpreters whose code may be an argument. */
const Interpreters = set(
  "perl ruby node nodejs php lua luajit bun deno osascript tclsh expect pwsh powershell rscript julia"
)
const Seds = set("sed gsed")
const Awks = set("awk gawk mawk nawk")
/** Programs that never run a program named by an argument. */
const Inert = set(
  "echo printf cat head tail wc ls pwd cd grep egrep fgrep stat file basename dirname realpath mkdir touch rm rmdir test [ " +
    "true false : cut uniq tr which type date sleep seq"
)
/** Programs whose first operand is a subcommand, although a program may have the same name. */
const Subcommands = set(
  "git npm yarn pnpm docker podman kubectl cargo go apt apt-get brew pip pip3 svn hg gh helm terraform aws gcloud systemctl make"
)

/** Programs that pass arguments to a shell or a similar interpreter. */
const Callers = set(
  "git tar bsdtar sed gsed vim vi nvim view ex ed emacs make gmake rsync sort man tmux screen npm npx yarn pnpm bunx docker " +
    "podman kubectl gdb lldb zip rg crontab at batch scp sftp less more watchexec entr sqlite3 m4 dc mysql psql curl find"
)
/** Subcommands of git that run none of their arguments. */
const QuietGit = set(
  "add commit tag status log show diff branch checkout switch restore stash merge notes rm mv blame describe"
)

/** Maximum depth of nested scripts. */
const MaxDepth = 8
/** Maximum number of examined words of a suspect. A longer one may run anything. */
const SuspectWords = 16
/** Maximum number of arguments of one command that are examined as commands. */
const MaxArguments = 512
/** Maximum number of examined words of one script, including nested and repeated ones. */
const MaxWork = 32 * 1024
/** Number of characters of a nested script that count as one word. */
const WordLength = 8

class Survey implements Reach {
  readonly commands: Array<ReadonlyArray<Word>> = []
  readonly suspects: Array<ReadonlyArray<Word>> = []
  readonly texts: Array<string> = []
  readonly glued: Array<string> = []
  opaque = false
  exhausted = false
  readonly #redefines: boolean
  #work = 0

  constructor(redefines: boolean) {
    this.#redefines = redefines
  }

  script(script: Script, depth: number): void {
    if (script.opaque || (depth > 0 && script.redefines)) this.opaque = true
    if (script.writes && script.all.some(runsFile)) this.opaque = true
    this.texts.push(...script.data)
    for (const words of script.all) {
      if (depth > 0 && this.exhausted) return
      this.commands.push(words)
      this.#command(words, depth)
    }
  }

  /** Counts examined words; false when there are too many. */
  #spend(words: number): boolean {
    this.#work += words
    if (this.#work > MaxWork) this.opaque = this.exhausted = true
    return !this.exhausted
  }

  #inner(source: Word | undefined, depth: number): void {
    if (source === null || source === undefined || depth >= MaxDepth) this.opaque = true
    else if (this.#spend(source.length / WordLength)) this.script(read(source), depth + 1)
  }

  #command(words: ReadonlyArray<Word>, depth: number): void {
    if (!this.#spend(words.length)) return
    const [program] = words
    if (program === undefined || program === null) {
      this.opaque = true
      return
    }
    const args = words.slice(1)
    const name = programName(program)
    if (Opaque.has(name)) this.opaque = true
    else if (name === "eval") this.#inner(args.includes(null) ? null : args.join(" "), depth)
    else if (name === "trap") this.#trap(args[0] === "--" ? args.slice(1) : args, depth)
    else if (Shells.has(name)) this.#shell(args, depth)
    else if (Wrappers.has(name)) this.#wrapper(name, args, depth)
    else if (runsCode(name, args) || hidesCall(name, args)) this.opaque = true
    else if (this.#redefines || program.includes("/") || !Inert.has(name)) this.#anyOf(name, args, depth)
  }

  /** Handles a program whose first operand is a script; `-` alone means none. */
  #trap([action = ""]: ReadonlyArray<Word>, depth: number): void {
    if (action !== "-") this.#inner(action, depth)
  }

  #shell(args: ReadonlyArray<Word>, depth: number): void {
    const flag = args.findIndex((word) => word === null || (/^[-+][A-Za-z]+$/.test(word) && word.includes("c")))
    const operand = args.find((word) => word === null || !/^[-+]/.test(word))
    if (flag !== -1) {
      const rest = args.slice(flag + 1)
      // `bash -c -- 'script'` and `bash -c -x 'script'`: options may follow.
      this.#inner(args[flag] === null ? null : rest.find((word) => word === null || !/^[-+]/.test(word)), depth)
    } else if (operand === undefined || operand === null || args.some((word) => word !== null && /^-\w*s/.test(word))) {
      // It reads its commands from its input.
      this.opaque = true
    }
  }

  #wrapper(name: string, args: ReadonlyArray<Word>, depth: number): void {
    if (args.length > MaxArguments || args.includes(null)) {
      this.opaque = true
      return
    }
    const start = args.findIndex((word) => word !== null && !word.startsWith("-") && !/^\w+=/.test(word))
    const rest: ReadonlyArray<Word> = Appending.has(name) ? [...args, null] : args
    if (start !== -1) {
      const words = rest.slice(start)
      this.commands.push(words)
      if (depth < MaxDepth) this.#command(words, depth + 1)
      else this.opaque = true
    }
    // The text that xargs substitutes, or appends to a shell's script, is unknown.
    const hasPlace = (word: Word): boolean =>
      word !== null && (/^-[iI]|^--(?:replace|re)/.test(word) || hasBraces(word) || Shells.has(programName(word)))
    if (Appending.has(name) && args.some(hasPlace)) this.opaque = true
    if (args.some((word) => word !== null && /^(?:\w+=.*\W|-S|--split-string)/.test(word))) this.opaque = true
    this.#anyOf(name, rest, depth)
  }

  /** Handles an unknown program: any argument may name a program, and any text may be a script. */
  #anyOf(name: string, args: ReadonlyArray<Word>, depth: number): void {
    if (args.length > MaxArguments) this.opaque = true
    const isGlued = Seds.has(name) ? () => true : (word: string) => /^-[^-]/.test(word)
    args.slice(0, MaxArguments).forEach((word, index, args) => {
      if (!this.#spend(1) || word === null || (index === 0 && Subcommands.has(name))) return
      const words = args.slice(index, index + SuspectWords)
      this.suspects.push(args.length > index + SuspectWords ? [...words, null] : words)
      if (!/^[\w./-]+$/.test(word)) this.texts.push(word)
      if (isGlued(word)) this.glued.push(word)
      const inner = programName(word)
      const rest = args.slice(index + 1)
      if (readsArguments(inner) && !this.#spend(rest.length)) return
      // After an option's value, as in `nice -n 1 git`, it is not certain that it is the program.
      if (hidesCall(inner, rest)) this.opaque = true
      if (Shells.has(inner) || inner === "eval" || runsCode(inner, rest)) {
        if (depth < MaxDepth && !this.exhausted) this.#command(args.slice(index), depth + 1)
        else this.opaque = true
      }
    })
  }
}

/** True when there is a `{` with a later `}`. */
const hasBraces = (word: string): boolean => {
  const open = word.indexOf("{")
  return open !== -1 && word.includes("}", open)
}

/** True for a program that is named by a path, or a shell with a script file: the script itself may have written it. */
const runsFile = ([program, ...args]: ReadonlyArray<Word>): boolean =>
  typeof program === "string" &&
  (program.includes("/") || (Shells.has(programName(program)) && args.some((word) => !word?.startsWith("-"))))

const isInterpreter = (name: string): boolean => Interpreters.has(name) || /^(?:i?python|pypy)[\d.]*$/.test(name)

/** True for a program whose arguments are all examined. */
const readsArguments = (name: string): boolean =>
  isInterpreter(name) || Awks.has(name) || Callers.has(name) || name === "find"

/** True when an argument is code in a language that is not parsed here, or the code comes from the input. */
const runsCode = (name: string, args: ReadonlyArray<Word>): boolean => {
  if (Awks.has(name)) return args.some((word) => word === null || /system|\||getline|\\|^-\w*f/.test(word))
  if (!isInterpreter(name)) return false
  return (
    args.length === 0 ||
    args.some(
      (word) =>
        word === null || word === "-" || word === "eval" || /^-[A-Za-z]*[ceEpr]|^--(?:eval|print|run|code)/.test(word)
    )
  )
}

/** True when an argument may be shell text whose meaning differs from its words. */
const hidesCall = (name: string, args: ReadonlyArray<Word>): boolean => {
  if (name === "find" && args.includes(null)) return args.some((word) => word !== null && /^-(?:exec|ok)/.test(word))
  if (!Callers.has(name) || (name === "git" && QuietGit.has(args[0] ?? ""))) return false
  if (Seds.has(name)) return args.some((word) => word === null || /^-\w*f|--file/.test(word) || sedRuns(word))
  return args.some((word) => word === null || /[$`*?[{\\'"~]/.test(word.replace(/^\{\}$/, "")))
}

/** The sed command `e`, or the flag `e` of a substitution. */
const sedRuns = (script: string): boolean => {
  if (/(?:^|[\d\s;{}$/!,~])e(?:\s|;|\}|$)/.test(script)) return true
  for (const [, flags = ""] of script.matchAll(/[^\w\s]([a-zA-Z\d]+)\s*(?=$|[;}\n])/g)) {
    if (flags.includes("e")) return true
  }
  return false
}
