/**
 * The texts of a review: what the reviewer is asked, and what it found.
 *
 * Owns the prompts, the form of the reviewer's answer, and how the findings are shown. A reviewer that answers in another form
 * is shown as it is.
 *
 * @module
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { optional } from "../../../protocol/Fields.ts"
import { lazy, type Of } from "../../../protocol/Lazy.ts"
import type { ReviewTarget } from "../../../protocol/v2/review/Review.ts"

/** The base instructions of a reviewer. */
export const reviewInstructions = `You review a change that another engineer made. You find the problems that its author would want to fix before it is merged. You change nothing: read files, and run commands that only read.

What is a finding
- It is a defect of this change, not of the code around it: wrong results, lost or leaked data, a crash, a race, a security hole, a broken contract with callers, a measurable loss of speed.
- You can name the input or the situation in which it goes wrong, and you have read the code that proves it. Do not report what might be wrong somewhere.
- It is worth the author's time. Leave out style, naming and taste, unless they hide a defect or break a rule that the project has written down.
- One finding is one problem at one place. Report every one that qualifies; none is a valid result.

How to write a finding
- The title begins with its priority, as in "[P1] Close the file when the read fails": P0 stops everything, P1 must be fixed first, P2 is to be fixed, P3 may be.
- The body says in one short paragraph what happens, when, and why. Matter-of-fact, neither praise nor blame. At most three lines of code.
- The place is the shortest range of lines that shows the problem, and it overlaps the change.

Your answer is one JSON object and nothing else: no fence, no text around it.

{"findings": [{"title": "...", "body": "...", "confidence_score": 0.0, "priority": 1, "code_location": {"absolute_file_path": "...", "line_range": {"start": 1, "end": 2}}}], "overall_correctness": "patch is correct", "overall_explanation": "...", "overall_confidence_score": 0.0}

confidence_score is between 0 and 1. priority is the number of the title. overall_correctness is "patch is correct" when existing code and tests keep working and nothing of P0 or P1 was found, else "patch is incorrect". overall_explanation is one to three sentences.`

/** Why a target cannot be reviewed; undefined when it can. */
export const problemOf = (target: ReviewTarget): string | undefined => {
  const empty = (name: string, value: string) => (value.trim() === "" ? `${name} must not be empty` : undefined)
  switch (target.type) {
    case "uncommittedChanges":
      return undefined
    case "baseBranch":
      return empty("branch", target.branch)
    case "commit":
      return empty("sha", target.sha)
    case "custom":
      return empty("instructions", target.instructions)
  }
}

/** The subject of a review, for the user. */
export const labelOf = (target: ReviewTarget): string => {
  switch (target.type) {
    case "uncommittedChanges":
      return "current changes"
    case "baseBranch":
      return `changes against '${target.branch.trim()}'`
    case "commit": {
      const sha = target.sha.trim().slice(0, 7)
      return target.title == null ? `commit ${sha}` : `commit ${sha}: ${target.title}`
    }
    case "custom":
      return target.instructions.trim()
  }
}

/** A word of a command line in which nothing has a meaning for the shell. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** What the reviewer is asked. */
export const promptOf = (target: ReviewTarget): string => {
  switch (target.type) {
    case "uncommittedChanges":
      return "Review the changes in the working tree that are not committed: staged, unstaged and untracked files. Report the findings by priority."
    case "baseBranch": {
      const branch = target.branch.trim()
      return `Review what the current branch changes against the base branch '${branch}'. Find the commit at which they part with \`git merge-base HEAD ${quoted(branch)}\`, then read \`git diff\` against that commit. Report the findings by priority.`
    }
    case "commit": {
      const title = target.title == null ? "" : ` ("${target.title}")`
      return `Review the changes of commit ${target.sha.trim()}${title}. Report the findings by priority.`
    }
    case "custom":
      return target.instructions.trim()
  }
}

const Output = lazy(() =>
  Schema.Struct({
    findings: Schema.Array(
      Schema.Struct({
        title: Schema.String,
        body: Schema.String,
        confidence_score: Schema.Finite,
        priority: optional(Schema.Int),
        code_location: Schema.Struct({
          absolute_file_path: Schema.String,
          line_range: Schema.Struct({ start: Schema.Int, end: Schema.Int })
        })
      })
    ),
    overall_correctness: Schema.String,
    overall_explanation: Schema.String,
    overall_confidence_score: Schema.Finite
  })
)
type Output = Of<typeof Output>

const decode = (text: string): Output | undefined =>
  Option.getOrUndefined(Schema.decodeUnknownOption(Schema.fromJsonString(Output()))(text))

/** The answer in the form that was asked for; undefined for another one. */
const outputIn = (answer: string): Output | undefined => {
  const [start, end] = [answer.indexOf("{"), answer.lastIndexOf("}")]
  return decode(answer) ?? (start < 0 || end < start ? undefined : decode(answer.slice(start, end + 1)))
}

const findingText = ({
  body,
  code_location: { absolute_file_path: path, line_range },
  title
}: Output["findings"][number]) =>
  [`- ${title} — ${path}:${line_range.start}-${line_range.end}`, ...body.split("\n").map((line) => `  ${line}`)].join(
    "\n"
  )

/** The review as the user reads it; null when the reviewer said nothing. */
export const shownReview = (answer: string): string | null => {
  const output = outputIn(answer)
  if (output === undefined) return answer.trim() === "" ? null : answer.trim()
  const { findings, overall_explanation: explanation } = output
  const title = findings.length === 1 ? "Review comment:" : "Full review comments:"
  const parts = [
    ...(explanation.trim() === "" ? [] : [explanation.trim()]),
    ...(findings.length === 0 ? [] : [title, ...findings.map(findingText)])
  ]
  return parts.length === 0 ? null : parts.join("\n\n")
}

/** Shown instead of a review that has no result. */
export const noReview = "Reviewer failed to output a response."

/** The message of a review that has no result. */
export const interruptedReview = "Review was interrupted. Please re-run /review and wait for it to complete."

/** What the model of the thread reads of a review; `review` is null when it has no result. */
export const actionNote = (review: string | null): string =>
  review === null
    ? "<user_action>\n<context>The user started a review of changes by another model. It ended without a result; tell the user to start it again if they ask about it.</context>\n<action>review</action>\n<results>None.</results>\n</user_action>"
    : `<user_action>\n<context>The user had changes reviewed by another model. This is its whole review. The user may ask you to act on it, or to explain it.</context>\n<action>review</action>\n<results>\n${review}\n</results>\n</user_action>`
