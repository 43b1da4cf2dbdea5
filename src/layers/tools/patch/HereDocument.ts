/**
 * Recognises a patch in a command line.
 *
 * Models without the tool `apply_patch` write a here document to a command of that name, which does not exist:
 *
 * ```sh
 * cd folder && apply_patch <<'EOF'
 * *** Begin Patch
 * …
 * EOF
 * ```
 *
 * Only this form is recognised, with or without `cd`, as in the release. Any other command line is left to the shell. The text
 * of the here document is taken literally, also when its delimiter is not quoted.
 *
 * @module
 */
import { parse, type Command, type SyntaxNode } from "unbash"
import * as Result from "effect/Result"
import * as Parser from "./Parser.ts"

/** A patch in a command line. */
export interface FoundPatch {
  readonly text: string
  /** The folder of `cd`; null without one. */
  readonly folder: string | null
}

/** Maximum length of a command line that is examined, in UTF-16 units. */
const MaxLength = 1024 * 1024

const mentions = /\bapply_?patch\b/

/** A command line that is nothing but a patch. */
export const isBarePatch = (commandLine: string): boolean =>
  commandLine.trimStart().startsWith("*** Begin Patch") && Result.isSuccess(Parser.parse(commandLine))

/** The patch of a command line; undefined for any other one. */
export const find = (commandLine: string): FoundPatch | undefined => {
  if (commandLine.length > MaxLength || !mentions.test(commandLine) || /^\s*#/m.test(beforeDocument(commandLine))) {
    return undefined
  }
  try {
    return inScript(parse(commandLine))
  } catch {
    // The shell reports what the parser cannot read.
    return undefined
  }
}

/** The lines up to the one that begins the here document. The parser drops comments, with which the release runs the line. */
const beforeDocument = (commandLine: string): string => {
  const at = commandLine.indexOf("<<")
  return at === -1 ? commandLine : commandLine.slice(0, at)
}

const inScript = (script: SyntaxNode): FoundPatch | undefined => {
  if (script.type !== "Script" || script.commands.length !== 1) return undefined
  const [statement] = script.commands
  if (statement?.type !== "Statement" || statement.background === true) return undefined
  const { command } = statement
  if (command.type === "Command") return inCommand(command, null)
  if (command.type !== "AndOr" || command.operators.length !== 1 || command.operators[0] !== "&&") return undefined
  const [first, second] = command.commands
  if (first?.type !== "Command" || second?.type !== "Command") return undefined
  const folder = folderOf(first)
  return folder === undefined ? undefined : inCommand(second, folder)
}

const folderOf = (command: Command): string | undefined => {
  const [argument] = command.suffix
  if (command.name?.text !== "cd" || command.suffix.length !== 1) return undefined
  return argument?.type === "Word" && isLiteral.test(argument.text) ? argument.value : undefined
}

/** A word without expansions: bare, or as a whole in quotes. */
const isLiteral = /^(?:[\w./+,@%:=][\w./+,@%:=~-]*|'[^']*'|"[^"\\$`]*")$/

const inCommand = (command: Command, folder: string | null): FoundPatch | undefined => {
  const [document] = command.suffix
  if (!/^apply_?patch$/.test(command.name?.text ?? "") || command.suffix.length !== 1) return undefined
  return document?.type === "HereDoc" ? { text: document.body.text, folder } : undefined
}
