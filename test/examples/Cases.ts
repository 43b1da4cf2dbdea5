/**
 * How each example is run, and what it prints. The tests run them from the sources, `npm run examples` with the built library.
 *
 * @module
 */

export interface Case {
  /** What the run shows. */
  readonly name: string
  /** Below `examples/`. */
  readonly file: string
  /** `<folder>` is replaced by an empty folder, which the cases of one example share. */
  readonly args: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string>>
  readonly stdout: string
  /** Default: nothing. */
  readonly stderr?: string
}

const echo = "I ran `echo hello`. It went well (exit code 0) and printed:\n\nhello\n"

/** In the printed text, what differs from run to run. */
export const normal = (text: string): string =>
  text
    // The shell depends on the machine.
    .replace(/^\[\S+ -lc/, "[sh -lc")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:0")

export const cases: ReadonlyArray<Case> = [
  {
    name: "a command line runs a turn in its own process, approves its command and prints the events",
    file: "embed.ts",
    args: ["--offline", "--yes", "run: echo hello"],
    stdout: `[sh -lc 'echo hello' ended with 0]\n${echo}`
  },
  {
    name: "a tool of the program asks the user",
    file: "own-tool.ts",
    args: ["weather: {}"],
    stdout: "[userMessage]\n[dynamicToolCall]\n[agentMessage]\nweather answered:\n\nIt rains in Bergen.\n"
  },
  {
    name: "a tool of the program is beside the shell",
    file: "own-tool.ts",
    args: ["run: echo hello"],
    stdout: `[userMessage]\n[commandExecution]\n[agentMessage]\n${echo}`
  },
  {
    name: "a toolkit of effect/ai is called with its schemas",
    file: "toolkit.ts",
    args: ['add: {"numbers":[1,2,3]}'],
    stdout: "[add: completed]\nadd answered:\n\n6\n"
  },
  {
    name: "a tool of effect/ai runs after an approval",
    file: "toolkit.ts",
    args: ['forget: {"what":"the keys"}'],
    stdout:
      'Run forget with {"what":"the keys"}?\n[forget: completed]\nforget answered:\n\nI have forgotten the keys.\n'
  },
  {
    name: "a declared failure of a tool of effect/ai reaches the model",
    file: "toolkit.ts",
    args: ['forget: {"what":"it"}'],
    stdout: 'Run forget with {"what":"it"}?\n[forget: failed]\nforget answered:\n\n{"_tag":"Unknown","what":"it"}\n'
  },
  {
    name: "a model of effect/ai replaces the server's own",
    file: "language-model.ts",
    args: ["one two three"],
    stdout: "A model of effect/ai received: one two three\n"
  },
  {
    name: "a model of the program answers",
    file: "own-model.ts",
    args: ["one two three"],
    stdout: "The model is word-counter.\nYou wrote 3 words.\n"
  },
  {
    name: "a model of the program fails",
    file: "own-model.ts",
    args: [" "],
    stdout: "The model is word-counter.\n\n",
    stderr: "the turn failed: there is no word to count\n"
  },
  {
    name: "a store of the program keeps a thread",
    file: "own-store.ts",
    args: ["<folder>/threads", "say: hello"],
    stdout: "- say: hello\n"
  },
  {
    name: "a store of the program has the thread in the next process",
    file: "own-store.ts",
    args: ["<folder>/threads"],
    stdout: "- say: hello\n"
  },
  {
    name: "a transport of the program serves a client",
    file: "own-transport.ts",
    args: [],
    stdout: '{"id":2,"result":{"data":[],"nextCursor":null}}\nclosed\n'
  },
  {
    name: "an HTTP service streams a turn as server-sent events",
    file: "http-service.ts",
    args: ["--try", "say: hello"],
    stdout:
      "turn/started\nitem/started\nitem/completed\nitem/started\nitem/agentMessage/delta hello\n" +
      "item/completed\nthread/tokenUsage/updated\nturn/completed\n",
    stderr: "listening on http://127.0.0.1:0\nturn: completed\n"
  },
  {
    name: "a WebSocket server admits a client with its token",
    file: "websocket-server.ts",
    args: ["--try", "say: hello"],
    environment: { TOKEN: "a-token" },
    stdout: "hello\n",
    stderr: "listening on ws://127.0.0.1:0\n"
  },
  {
    name: "the released server is skipped where it is not installed",
    file: "released-server.ts",
    args: [],
    environment: { CODEX_BIN: "/nowhere/codex" },
    stdout:
      "skipped: failed to connect to remote app server at `/nowhere/codex`: " +
      "NotFound: ChildProcess.spawn (/nowhere/codex app-server)\n"
  },
  {
    name: "a program without Effect approves a command by a callback, streams a turn and runs another one",
    file: "promise.ts",
    args: ["run: echo hello"],
    stdout: "[userMessage]\n[commandExecution]\n[agentMessage]\nThat was all. (3 tokens)\n"
  }
]
