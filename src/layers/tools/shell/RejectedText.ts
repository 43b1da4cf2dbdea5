/**
 * The format in which the released server reports to the model that a command was not started. Strings in it are quoted
 * twice, because the server prints nested errors in the debug format of its language.
 *
 * @module
 */

/** `exec_command failed: …` around a reason. */
export const rejected = (reason: string): string =>
  `exec_command failed: CreateProcess { message: ${debugString(`Rejected(${debugString(reason)})`)} }`

/** A string in double quotes, with quotes, backslashes and control characters escaped. */
const debugString = (text: string): string =>
  `"${text.replace(/["\\\n\r\t]/g, (char) => Escapes[char] ?? `\\${char}`)}"`

const Escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }
