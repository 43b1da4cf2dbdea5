/**
 * The command lines that only serve standard input and output with the configured settings. They start without the
 * command-line parser, which costs more than the rest of the start.
 *
 * @module
 */

/** Without arguments on a terminal, the program shows its help: a client never starts it that way. */
export const isPlainService = (args: ReadonlyArray<string>, isTerminal: boolean): boolean => {
  if (args.length === 0 && isTerminal) return false
  const rest = args[0] === "app-server" ? args.slice(1) : args
  return rest.length === 0 || (rest.length === 2 && rest[0] === "--listen" && rest[1] === "stdio://")
}
