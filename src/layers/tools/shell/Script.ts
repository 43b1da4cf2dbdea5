/**
 * What can be known of a shell script by reading it.
 *
 * A script is *plain* when it is nothing but commands of literal words, joined by `&&`, `||`, `;`, `|` or line ends: then
 * its words are known before it runs. The name of each program is written without quotes; arguments may have them. With a
 * comment, a variable, a glob, a redirection, a subshell or anything else it is not plain, as in the release, and only
 * guarded statements can be made about it. Never throws: what does not parse is not readable.
 *
 * @module
 */
import { type Assignment, forEachChild, parse, type Command, type SyntaxNode, type Word, type WordPart } from "unbash"

/** A command of literal words; the first is what runs. */
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
   * Every command in the script wherever it stands: in a branch, a subshell, a substitution, a function. A word that only the
   * shell knows is null. What is built at run time cannot be seen: see `Reach`.
   */
  readonly all: ReadonlyArray<ReadonlyArray<string | null>>
  /** Texts that the script carries without running them: here documents, values of variables. */
  readonly data: ReadonlyArray<string>
  /** False when the script is too long, too deep or no shell script: then nothing is known of it. */
  readonly readable: boolean
  /** It may run what is not in `all`: a command's name is computed, or a variable changes how names are found. */
  readonly opaque: boolean
  /** It defines functions, so a name may not stand for the program of that name. */
  readonly redefines: boolean
  /** It writes a file by redirection. */
  readonly writes: boolean
}

/** Scripts beyond this many characters are not read. */
const MaxLength = 64 * 1024

/** Nodes of the syntax tree that are looked at. */
const MaxNodes = 100_000

/** Nodes within nodes. The parser reads substitutions again at each level, so depth costs time. */
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

/** Shells disagree about these, and so may the parser. Tabs and line ends are fine; with a NUL nothing starts at all. */
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

/** Variables that change what names stand for, or that shells run themselves. */
const Special =
  /^(?:PATH|ENV|BASH_ENV|IFS|PS[0-4]|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|ZDOTDIR|FPATH|fpath|path|LD_\w+|DYLD_\w+|BASH_FUNC\w*)$/

/** Values that no program takes for a command line. */
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
/** The builtin may stand behind `command`, with options or not. */
const evaluates = (words: ReadonlyArray<string | null>): boolean =>
  words.some((word) => word !== null && Evaluating.has(word))

class Survey {
  readonly all: Array<ReadonlyArray<string | null>> = []
  readonly data: Array<string> = []
  opaque = false
  redefines = false
  writes = false
  /** It has arithmetic, or a test that may have. */
  evaluates = false
  /** It carries the text of a substitution, which some builtins would run as part of a subscript. */
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
      // The name may be right; but it is spelt so that nobody would see it.
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

  /** The assignment as a word, where its value is known. */
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
  /** The words as they are written. */
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
  // A name in quotes, or with quotes in it, is one that the release does not read.
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

/** What the word is for any shell that reads it as bash does; null where only the shell knows. */
const looseWord = (word: Word): string | null =>
  word.parts === undefined
    ? word.text.startsWith("~")
      ? null
      : word.value
    : word.parts.every((part) => part.type === "AnsiCQuoted" || part.type === "Literal" || isLiteralPart(part))
      ? word.value
      : null

/** What the word is once the shell has read it, where that is certain. Unquoted backslashes are left to the shell. */
const literal = (word: Word): string | undefined => {
  if (word.parts === undefined) return isBare(word.text) && word.text === word.value ? word.value : undefined
  return word.parts.every(isLiteralPart) ? word.value : undefined
}

/** zsh takes `=name` for the path of a program. The release takes every `#` outside of quotes for a comment. */
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
