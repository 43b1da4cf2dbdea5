/**
 * The directives of the offline model, one per line.
 *
 * Owns their grammar: one directive per line, starting in the first column: a word, a colon, the rest. If any line of a text
 * is not a directive, none of them is, so that a text that only quotes a directive, such as a workflow file or a review, has
 * no effect. `Offline.ts` executes directives.
 *
 * @module
 */
import type { ToolSpec } from "../../../services/tool/Tool.ts"
import { qualifiedName } from "../../../services/tool/ToolRegistry.ts"

/** One step of the model, in the order of the lines. */
export type Step =
  | { readonly _tag: "Say" | "Think" | "Fail"; readonly text: string }
  | { readonly _tag: "Call"; readonly tool: ToolSpec; readonly input: string }
  | { readonly _tag: "Count"; readonly to: number }
  | { readonly _tag: "Wait" }
  | { readonly _tag: "Then" }

/** The tool that `run:` calls. */
export const RunTool = "exec_command"

/** Maximum number of `count:`. */
export const MaxCount = 1_000_000

const line = /^([\w-]+(?:\.[\w-]+)?):\s*(.*?)\s*$/

/** The input of a custom tool: the raw text, or the value of a JSON string, which may have line breaks. */
const customInput = (text: string): string => {
  if (!text.startsWith('"')) return text
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "string" ? value : text
  } catch {
    return text
  }
}

const call = (tool: ToolSpec, rest: string): Step => ({
  _tag: "Call",
  tool,
  input: tool.type === "custom" ? customInput(rest) : rest === "" ? "{}" : rest
})

const run = (tools: ReadonlyArray<ToolSpec>, command: string): Step => {
  const tool = tools.find(({ name }) => name === RunTool)
  return tool === undefined
    ? { _tag: "Say", text: `I cannot run \`${command}\`: the tool ${RunTool} is not offered here.` }
    : { _tag: "Call", tool, input: JSON.stringify({ cmd: command }) }
}

const directive = (text: string, tools: ReadonlyArray<ToolSpec>): Step | undefined => {
  if (text.trimEnd() === "wait") return { _tag: "Wait" }
  if (text.trimEnd() === "then") return { _tag: "Then" }
  const [, name, rest] = line.exec(text) ?? []
  if (name === undefined || rest === undefined) return undefined
  switch (name) {
    case "say":
      return { _tag: "Say", text: rest }
    case "think":
      return { _tag: "Think", text: rest }
    case "fail":
      return { _tag: "Fail", text: rest === "" ? "the offline model failed as requested" : rest }
    case "run":
      return rest === "" ? undefined : run(tools, rest)
    case "count": {
      const to = Number(rest)
      return Number.isSafeInteger(to) && to > 0 ? { _tag: "Count", to: Math.min(to, MaxCount) } : undefined
    }
    default: {
      const tool = tools.find((offered) => qualifiedName(offered) === name)
      return tool === undefined ? undefined : call(tool, rest)
    }
  }
}

const callsIn = (steps: ReadonlyArray<Step>): number => steps.filter(({ _tag }) => _tag === "Call").length

/** The steps in answers: each `then` begins a new one, if there is a call in front of it to wait for. */
const answersOf = (steps: ReadonlyArray<Step>): ReadonlyArray<ReadonlyArray<Step>> => {
  const answers: Array<Array<Step>> = [[]]
  for (const step of steps) {
    const last = answers.at(-1)
    if (step._tag !== "Then") last?.push(step)
    else if (last !== undefined && callsIn(last) > 0) answers.push([])
  }
  return answers
}

/** The steps of the answer that follows so many calls. Undefined when all calls were made. */
export const answerAfter = (steps: ReadonlyArray<Step>, calls: number): ReadonlyArray<Step> | undefined => {
  let rest = calls
  for (const answer of answersOf(steps)) {
    if (rest === 0 && answer.length > 0) return answer
    rest -= callsIn(answer)
  }
  return undefined
}

/** The steps of a text that consists of directives and blank lines alone; undefined for any other text. */
export const parse = (text: string, tools: ReadonlyArray<ToolSpec>): ReadonlyArray<Step> | undefined => {
  const steps: Array<Step> = []
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue
    const step = directive(line, tools)
    if (step === undefined) return undefined
    steps.push(step)
  }
  return steps.length === 0 ? undefined : steps
}
