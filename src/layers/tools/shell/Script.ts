/**
 * What can be known of a shell script by reading it.
 *
 * A script is *plain* when it is nothing but commands of literal words, joined by `&&`, `||`, `;`, `|` or line ends: then
 * its words are known before it runs. With a variable, a glob, a redirection, a subshell or anything else it is not, and
 * only guarded statements can be made about it. Never throws: what does not parse is not plain.
 *
 * @module
 */
import { forEachChild, parse, type Command, type SyntaxNode, type Word, type WordPart } from "unbash"

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
   * Every command in the script wherever it stands: in a branch, a subshell, a substitution, a function. A word that is
   * not literal is empty. An under-approximation: what is built at run time cannot be seen.
   */
  readonly all: ReadonlyArray<Words>
}

/** Scripts beyond this length are not read, they are simply not plain. */
const MaxLength = 64 * 1024

/** Nodes are visited down to this depth. The parser reads substitutions anew at each level, so depth costs time. */
const MaxDepth = 60

export const read = (source: string): Script => {
  if (source.length > MaxLength) return { plain: undefined, all: [] }
  try {
    const script = parse(source)
    const all: Array<Words> = []
    const visit = (node: SyntaxNode, depth: number): void => {
      if (node.type === "Command") all.push(looseWords(node))
      if (depth < MaxDepth) forEachChild(node, (child) => visit(child, depth + 1))
    }
    visit(script, 0)
    return { plain: script.errors === undefined ? plainCommands(script) : undefined, all }
  } catch {
    // Nesting beyond the parser's or the stack's depth.
    return { plain: undefined, all: [] }
  }
}

const plainCommands = (script: SyntaxNode): ReadonlyArray<PlainCommand> | undefined => {
  const commands: Array<PlainCommand> = []
  return collect(script, commands, false) && commands.length > 0 ? commands : undefined
}

/** Appends the commands of `node`; false when something in it is not plain. */
const collect = (node: SyntaxNode, into: Array<PlainCommand>, piped: boolean): boolean => {
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
      const words = plainWords(node)
      if (words === undefined) return false
      into.push({ words, piped })
      return true
    }
    default:
      return false
  }
}

const plainWords = (command: Command): Words | undefined => {
  if (command.name === undefined || command.prefix.length > 0) return undefined
  const words: Array<string> = []
  for (const part of [command.name, ...command.suffix]) {
    const word = part.type === "Word" ? literal(part) : undefined
    if (word === undefined) return undefined
    words.push(word)
  }
  return words
}

const looseWords = (command: Command): Words => {
  const words = command.name === undefined ? [] : [literal(command.name) ?? ""]
  for (const part of command.suffix) if (part.type === "Word") words.push(literal(part) ?? "")
  return words
}

/** What the word is once the shell has read it, where that is certain. Unquoted backslashes are left to the shell. */
const literal = (word: Word): string | undefined => {
  if (word.parts === undefined) return isBare(word.text) && word.text === word.value ? word.value : undefined
  return word.parts.every(isLiteralPart) ? word.value : undefined
}

const isBare = (text: string): boolean => !text.startsWith("~") && !text.includes("\\")

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
