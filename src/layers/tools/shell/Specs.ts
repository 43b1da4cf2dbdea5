/**
 * The declarations of the shell tools. Names, parameters and limits are those of the release, which models know.
 *
 * Plain data, apart from the schemas of the arguments: it is part of every model request, so it does not load the code that
 * runs commands.
 *
 * @module
 */
import type { ToolSpec } from "../../../services/tool/Tool.ts"

const string = (description: string) => ({ type: "string", description })
const number = (description: string) => ({ type: "number", description })
const boolean = (description: string) => ({ type: "boolean", description })

const maxOutputTokens = number(
  "How much output to return, in tokens of about four bytes. 10000 unless less is asked for."
)

/** Runs a command. If it still runs after the wait, it becomes a session. */
export const execCommand: ToolSpec = {
  type: "function",
  name: "exec_command",
  description:
    "Runs a shell command and returns its output. A command that is still running when the wait is over goes on in the " +
    "background; the result then names a session ID for write_stdin.",
  strict: false,
  parameters: {
    type: "object",
    properties: {
      cmd: string("The command line, as the shell is to read it."),
      workdir: string("Directory to run in; a relative one is taken from the turn's working directory, the default."),
      shell: string("Shell that runs the command. The user's own unless given."),
      login: boolean("Whether the shell is started as a login shell. True unless given."),
      tty: boolean(
        "Whether the command gets a terminal of 24 lines and 80 columns, for interactive programs. False unless given: its " +
          "stdin is then empty."
      ),
      yield_time_ms: number(
        "Milliseconds to wait for the command before it goes on in the background: 250 to 30000, 10000 unless given."
      ),
      max_output_tokens: maxOutputTokens,
      sandbox_permissions: {
        type: "string",
        enum: ["use_default", "require_escalated"],
        description:
          "require_escalated runs the command outside the sandbox, if the user agrees. use_default unless given."
      },
      justification: string("With require_escalated: the question that is put to the user."),
      prefix_rule: {
        type: "array",
        items: { type: "string" },
        description:
          'With require_escalated: the leading words of commands that the user might allow once and for all, such as ["git", "pull"].'
      }
    },
    required: ["cmd"],
    additionalProperties: false
  }
}

/** Interacts with a session of `exec_command`. */
export const writeStdin: ToolSpec = {
  type: "function",
  name: "write_stdin",
  description:
    "Types into a running session and returns its new output, or waits for it. Only a session with a terminal takes text; any " +
    "session can be interrupted.",
  strict: false,
  parameters: {
    type: "object",
    properties: {
      session_id: number("The session ID that exec_command returned."),
      chars: string(
        'What to type, control characters included: "\\u0003" interrupts the command, "\\u0004" ends the input of a terminal. ' +
          "Leave it out to wait for output."
      ),
      yield_time_ms: number(
        "Milliseconds to wait: 5000 to 300000 when nothing is typed, else 250 to 30000, 250 unless given."
      ),
      max_output_tokens: maxOutputTokens
    },
    required: ["session_id"],
    additionalProperties: false
  }
}
