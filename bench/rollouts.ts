/**
 * A home with the rollouts of another program: many threads of one turn, and one thread of many turns.
 */
import { mkdir, utimes, writeFile } from "node:fs/promises"
import * as Path from "node:path"

/** Number of threads with one turn. */
export const Threads = 10_000

/** Number of turns of the long thread. */
export const Turns = 10_000

/** Minutes between two threads. */
const Step = 30

const Begin = Date.UTC(2025, 0, 1)

const timeOf = (index: number): number => Begin + index * Step * 60_000

const pad = (value: number, length: number): string => String(value).padStart(length, "0")

/** The id of a thread: a UUID of version 7 with its time. */
export const threadId = (index: number): string => {
  const hex = timeOf(index).toString(16).padStart(12, "0")
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${pad(index + 1, 12)}`
}

/** The oldest thread is the long one. */
export const long = threadId(-1)

export const turnId = (index: number): string => `turn-${index}`

/** A word that only the answer of this thread has. */
export const wordOf = (index: number): string => `kestrel${pad(index, 5)}q`

/** The message of a thread: its number occurs in no other one. */
export const messageOf = (index: number): string => `Please look at case number ${pad(index, 5)} and explain it`

type Body = readonly [type: string, payload: unknown]

const turnOf = (id: string, turn: string, message: string, answer: string): ReadonlyArray<Body> => [
  ["event_msg", { type: "task_started", turn_id: turn }],
  ["response_item", { type: "message", role: "user", content: [{ type: "input_text", text: message }] }],
  [
    "event_msg",
    {
      type: "item_completed",
      thread_id: id,
      turn_id: turn,
      item: { type: "UserMessage", id: `${turn}-m`, content: [{ type: "text", text: message, text_elements: [] }] }
    }
  ],
  [
    "event_msg",
    {
      type: "item_completed",
      thread_id: id,
      turn_id: turn,
      item: { type: "AgentMessage", id: `${turn}-a`, content: [{ type: "Text", text: answer }] }
    }
  ],
  ["response_item", { type: "message", role: "assistant", content: [{ type: "output_text", text: answer }] }],
  ["event_msg", { type: "task_complete", turn_id: turn }]
]

const linesOf = (index: number, cwd: string, turns: ReadonlyArray<Body>): string => {
  const [id, timestamp] = [threadId(index), new Date(timeOf(index)).toISOString()]
  const program = { originator: "another_program", cli_version: "0.169.0", source: "cli", model_provider: "mock" }
  const meta: Body = ["session_meta", { id, timestamp, cwd, ...program, history_mode: "paginated" }]
  return [meta, ...turns]
    .map(([type, payload], ordinal) => `${JSON.stringify({ timestamp, ordinal, type, payload })}\n`)
    .join("")
}

const write = async (home: string, index: number, content: string): Promise<void> => {
  const date = new Date(timeOf(index))
  const time = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
  const folder = Path.join(home, "sessions", ...time.slice(0, 10).split("-"))
  await mkdir(folder, { recursive: true })
  const path = Path.join(folder, `rollout-${time.replaceAll(":", "-")}-${threadId(index)}.jsonl`)
  await writeFile(path, content)
  await utimes(path, date, date)
}

/** Fills a home. */
export const fill = async (home: string, cwd: string): Promise<void> => {
  const filler = "The answer explains every part of the case in a few sentences, as such answers do. ".repeat(4)
  for (let from = 0; from < Threads; from += 100) {
    const some = Array.from({ length: 100 }, (_, offset) => from + offset)
    await Promise.all(
      some.map((index) => {
        const turn = turnOf(threadId(index), turnId(index), messageOf(index), `${filler}${wordOf(index)}`)
        return write(home, index, linesOf(index, cwd, turn))
      })
    )
  }
  const turns = Array.from({ length: Turns }, (_, index) =>
    turnOf(long, turnId(index), `question ${index} of the long thread`, `${filler}answer ${index}`)
  )
  await write(home, -1, linesOf(-1, cwd, turns.flat()))
}
