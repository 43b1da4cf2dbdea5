/**
 * Static analysis of shell scripts.
 *
 * A script is *plain* when it only has commands of literal words, joined by `&&`, `||`, `;`, `|` or line ends: then its
 * words are known before it runs. Names of programs are written without quotes; arguments may be quoted. A comment, a
 * variable, a glob, a redirection, a subshell or anything else makes it not plain, as in the release, and only conservative
 * statements are possible. Never throws: a script that does not parse is unreadable.
 *
 * @module
 */
import { type Assignment, forEachChild, parse, type Command, type SyntaxNode, type Word, type WordPart } from "unbash"

/** A command of literal words; the first is the program. */
export type Words = ReadonlyArray<string>

/** One command of a plain script, and whether it reads from the one before it. */
export interface PlainCommand {
  readonly words: Words
  readonly piped: boolean
}

export interface Script {
  /** The commands in order, or undefined when the script is not plain. */
  readonly plain: ReadonlyArray<PlainCommand> | undefined
  /**
   * Every command in the script, also in branches, subshells, substitutions and functions. A word that only the shell can
   * compute is null. Commands built at run time cannot be seen: see `Reach`.
   */
  readonly all: ReadonlyArray<ReadonlyArray<string | null>>
  /** Texts in the script that are not run: here documents, values of variables. */
  readonly data: ReadonlyArray<string>
  /** False when the script is too long, too deep or not a shell script: then nothing is known about it. */
  readonly readable: boolean
  /** True when it may run commands that are not in `all`: a computed name, or a variable that changes the lookup of names. */
  readonly opaque: boolean
  /** True when it defines functions, so that a name may not mean the program of that name. */
  readonly redefines: boolean
  /** True when it writes a file by redirection. */
  readonly writes: boolean
}

/** Maximum length of an analysed script in characters. */
const MaxLength = 64 * 1024

/** Maximum number of examined nodes of the syntax tree. */
const MaxNodes = 100_000

/** Maximum depth of the tree. The parser reads substitutions again at each level, so depth costs time. */
const MaxDepth = 60

const unreadable: Script = {
  plain: undefined,
  all: [],
  data: [],
  readable: false,
  opaque: true,
  redefines: true,
  writes: true
}

/** Characters that shells, and perhaps the parser, treat differently. Tabs and line ends are safe; a NUL prevents the start. */
const hasOddControl = (source: string): boolean => {
  for (let index = 0; index < source.length; index++) {
    const code = source.charCodeAt(index)
    if ((code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0) || code === 0x7f) return true
  }
  return false
}

export const read = (source: string): Script => {
  if (source.length > MaxLength || hasOddControl(source)) return unreadable
  try {
    const script = parse(source)
    const survey = new Survey()
    survey.visit(script)
    const readable = script.errors === undefined
    return {
      plain: readable ? plainCommands(script, source) : undefined,
      all: survey.all,
      data: survey.data,
      readable,
      opaque: survey.opaque || !readable || (survey.hidden && (survey.evaluates || survey.all.some(evaluates))),
      redefines: survey.redefines || !readable,
      writes: survey.writes
    }
  } catch {
    // Nesting beyond the parser's or the stack's depth.
    return unreadable
  }
}

/** Variables that change the meaning of names, or that shells execute. */
const Special =
  /^(?:PATH|ENV|BASH_ENV|IFS|PS[0-4]|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|ZDOTDIR|FPATH|fpath|path|LD_\w+|DYLD_\w+|BASH_FUNC\w*)$/

/** Values that no program interprets as a command line. */
const isSimpleValue = (value: string): boolean => /^[\w@%+=:,./~-]*$/.test(value)
const hasExpansion = (text: string): boolean => /[`[]|\$[({]/.test(text)

const isSubstitution = (text: string): boolean => /`|\$\(/.test(text)

const ArithmeticNodes: ReadonlySet<string> = new Set([
  "TestCommand",
  "ArithmeticCommand",
  "ArithmeticExpansion",
  "ArithmeticFor"
])

/** Builtins that evaluate subscripts in their arguments, or fill variables that are evaluated later. */
const Evaluating = new Set(
  "printf test [ read unset declare typeset local export readonly let wait getopts mapfile readarray".split(" ")
)
/** The builtin may follow `command`, with or without options. */
const evaluates = (words: ReadonlyArray<string | null>): boolean =>
  words.some((word) => word !== null && Evaluating.has(word))

class Survey {
  readonly all: Array<ReadonlyArray<string | null>> = []
  readonly data: Array<string> = []
  opaque = false
  redefines = false
  writes = false
  /** True when it has arithmetic, or a test that may contain it. */
  evaluates = false
  /** True when it contains the text of a substitution, which some builtins would run as part of a subscript. */
  hidden = false
  #nodes = 0

  visit(node: SyntaxNode, depth = 0): void {
    if (++this.#nodes > MaxNodes || depth > MaxDepth) throw new RangeError("too many nodes")
    if (node.type === "Command") this.#command(node)
    else if (node.type === "Function") this.redefines = true
    else if (node.type === "Transform") this.opaque = true
    else if (node.type === "HereDoc") {
      this.data.push(node.body.text)
      if (isSubstitution(node.body.text)) this.hidden = true
    } else if (node.type === "HereString" && node.target !== undefined) this.data.push(node.target.value)
    else if (node.type === "SingleQuoted" && isSubstitution(node.text)) this.hidden = true
    else if (node.type === "Redirect" && node.operator.includes(">") && node.target?.value !== "/dev/null") {
      this.writes ||= !/^(?:\d+|-)$/.test(node.target?.value ?? "")
    } else if (ArithmeticNodes.has(node.type)) this.evaluates = true
    forEachChild(node, (child) => this.visit(child, depth + 1))
  }

  #command(command: Command): void {
    const words: Array<string | null> = []
    if (command.name !== undefined) {
      words.push(looseWord(command.name))
      // The name may be harmless, but its spelling hides it from readers.
      if (words[0] === null || /[\\$]|^=/.test(command.name.text)) this.opaque = true
    }
    for (const part of command.prefix) {
      if (part.type === "Assignment") this.#assignment(part, command.name !== undefined)
    }
    for (const part of command.suffix) {
      if (part.type === "Word") words.push(looseWord(part))
      else if (part.type === "Assignment") words.push(this.#assignment(part, false))
    }
    if (words.length > 0) this.all.push(words)
  }

  /** The assignment as a word, if its value is known. */
  #assignment({ name, value }: Assignment, isForCommand: boolean): string | null {
    if (Special.test(name)) this.opaque = true
    const text = value.type === "Word" ? looseWord(value) : null
    if (text === null) {
      if (isForCommand || value.type === "ArrayValue") this.opaque = true
      return null
    }
    if (hasExpansion(text) || (isForCommand && !isSimpleValue(text))) this.opaque = true
    this.data.push(text)
    return `${name}=${text}`
  }
}

const plainCommands = (script: SyntaxNode, source: string): ReadonlyArray<PlainCommand> | undefined => {
  const commands: Array<PlainCommand> = []
  const written: Array<string> = []
  if (!collect(script, { commands, written }, false) || commands.length === 0) return undefined
  // The parser drops comments: a `#` that is in no word begins one.
  return hashes(source) === hashes(written.join("")) ? commands : undefined
}

const hashes = (text: string): number => text.split("#").length

interface Collected {
  readonly commands: Array<PlainCommand>
  /** The words as written. */
  readonly written: Array<string>
}

/** Appends the commands of `node`; false when something in it is not plain. */
const collect = (node: SyntaxNode, into: Collected, piped: boolean): boolean => {
  switch (node.type) {
    case "Script":
      return node.commands.every((statement) => collect(statement, into, false))
    case "Statement":
      return node.background !== true && collect(node.command, into, false)
    case "AndOr":
      return node.commands.every((command) => collect(command, into, false))
    case "Pipeline":
      return (
        node.prefixes.length === 0 &&
        node.operators.every((operator) => operator === "|") &&
        node.commands.every((command, index) => collect(command, into, index > 0))
      )
    case "Command": {
      const words = plainWords(node, into.written)
      if (words === undefined) return false
      into.commands.push({ words, piped })
      return true
    }
    default:
      return false
  }
}

const plainWords = (command: Command, written: Array<string>): Words | undefined => {
  // The release does not accept a name with quotes.
  if (command.name?.parts !== undefined) return undefined
  if (command.name === undefined || command.prefix.length > 0) return undefined
  const words: Array<string> = []
  for (const part of [command.name, ...command.suffix]) {
    const word = part.type === "Word" ? literal(part) : undefined
    if (part.type !== "Word" || word === undefined) return undefined
    words.push(word)
    written.push(part.text)
  }
  return words
}

/** The value of the word in a bash-compatible shell; null when only the shell can compute it. */
const looseWord = (word: Word): string | null =>
  word.parts === undefined
    ? word.text.startsWith("~")
      ? null
      : word.value
    : word.parts.every((part) => part.type === "AnsiCQuoted" || part.type === "Literal" || isLiteralPart(part))
      ? word.value
      : null

/** The value of the word after shell parsing, if it is certain. Unquoted backslashes are not interpreted. */
const literal = (word: Word): string | undefined => {
  if (word.parts === undefined) return isBare(word.text) && word.text === word.value ? word.value : undefined
  return word.parts.every(isLiteralPart) ? word.value : undefined
}

/** zsh expands `=name` to the path of a program. The release treats every unquoted `#` as a comment. */
const isBare = (text: string): boolean => !/^[~=]/.test(text) && !/[\\#]/.test(text)

const isLiteralPart = (part: WordPart): boolean => {
  switch (part.type) {
    case "SingleQuoted":
      return true
    case "Literal":
      return isBare(part.text)
    case "DoubleQuoted":
      return part.parts.every((child) => child.type === "Literal" && !child.text.includes("\\"))
    default:
      return false
  }
}
