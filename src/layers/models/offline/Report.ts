/**
 * The offline model's report about tool outputs.
 *
 * @module
 */
import { countWords, type AnsweredCall } from "./ConversationState.ts"
import { RunTool } from "./Directives.ts"

const exited = /^Process exited with code (-?\d+)$/m
const running = /^Process running with session ID (\S+)$/m

/** The command of a `run:` call, else undefined. */
const commandOf = ({ input, name }: AnsweredCall): string | undefined => {
  if (name !== RunTool) return undefined
  try {
    const value: unknown = JSON.parse(input)
    return typeof value === "object" && value !== null && "cmd" in value && typeof value.cmd === "string"
      ? value.cmd
      : undefined
  } catch {
    return undefined
  }
}

const quoted = (text: string): string => {
  const shown = text.trimEnd()
  return shown === "" ? "" : `\n\n${shown}`
}

const report = (call: AnsweredCall): string => {
  if (call.output === null) return `${call.name} has not answered.`
  const command = commandOf(call)
  if (command === undefined) return `${call.name} answered:${quoted(call.output) || " nothing."}`
  const mark = "\nOutput:\n"
  const at = call.output.indexOf(mark)
  const printed = at === -1 ? "" : quoted(call.output.slice(at + mark.length))
  const end = exited.exec(call.output)
  const session = running.exec(call.output)
  if (end !== null) {
    const verdict = end[1] === "0" ? "It went well" : "It failed"
    return `I ran \`${command}\`. ${verdict} (exit code ${end[1]}) and printed${printed === "" ? " nothing." : `:${printed}`}`
  }
  if (session !== null) return `\`${command}\` is still running as session ${session[1]}.${printed}`
  return `\`${command}\` did not run:${quoted(call.output) || " nothing came back."}`
}

/** One paragraph per call. */
export const reportOf = (calls: ReadonlyArray<AnsweredCall>): string => calls.map(report).join("\n\n")

/** The reply to a text that is not a list of directives. */
export const greeting = (prompt: string): string => {
  const words = countWords(prompt)
  const received = words === 0 ? "You said nothing" : words === 1 ? "You wrote one word" : `You wrote ${words} words`
  return [
    `Hello! I am Spindle's offline model: I need no network and no key, and I always answer the same. ${received}, and I did nothing: I follow a message only where every line of it is one of these, from its first column on:`,
    "",
    "- `run: <command>` runs a command and reports what came of it",
    "- `say: <text>` says the text",
    "- `think: <text>` thinks it first",
    "- `count: <number>` counts up to the number",
    "- `<tool>: <arguments as JSON>` calls any other tool that is offered",
    "- `fail: <message>` ends the turn with an error",
    "- `then` waits for the calls so far",
    "- `wait` goes on until you interrupt",
    "",
    "To talk to a real model, leave out --offline, or name another model_provider in config.toml."
  ].join("\n")
}
