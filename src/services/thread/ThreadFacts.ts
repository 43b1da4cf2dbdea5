/**
 * The facts of a thread other than its history: name, archive, repository, section, attachments, goal, queue and how far it was
 * read.
 *
 * Owns their fold. A fact is changed by exactly one kind of event, so that each store keeps them like any other event.
 *
 * @module
 */
import type { ThreadAttachment } from "../../protocol/v2/thread/Attachment.ts"
import type { QueuedSubmission } from "../../protocol/v2/thread/Queue.ts"
import type { GitInfo, ThreadReadState } from "../../protocol/v2/thread/Thread.ts"
import type { SectionPlace, StoredGoal, ThreadEvent, ThreadOrigin } from "./ThreadEvent.ts"

/** Number of keys of accepted input that a thread remembers. */
export const MaxSubmissionKeys = 256

/** A thread's place in a section, and when it entered the section (Unix milliseconds). */
export type Membership = SectionPlace & { readonly enteredAt: number }

/** What is known of a thread other than its turns and its conversation. */
export interface ThreadFacts {
  readonly name: string | null
  readonly archived: boolean
  readonly gitInfo: GitInfo | null
  readonly daybreakEnabled: boolean | null
  readonly section: Membership | null
  /** Oldest first. */
  readonly attachments: ReadonlyArray<ThreadAttachment>
  readonly goal: StoredGoal | null
  /** The next one first. */
  readonly queue: ReadonlyArray<QueuedSubmission>
  /** Null: the thread counts as read. */
  readonly readState: ThreadReadState | null
  /** The last keys of accepted input with their turns, oldest first. */
  readonly submissions: ReadonlyArray<{ readonly key: string; readonly turnId: string }>
}

/** The facts of a new thread. */
export const initialFacts = (origin: ThreadOrigin): ThreadFacts => ({
  name: null,
  archived: false,
  gitInfo: origin.gitInfo,
  daybreakEnabled: null,
  section: null,
  attachments: [],
  goal: null,
  queue: [],
  readState: null,
  submissions: []
})

/** The events that change a fact. */
export type FactEvent = Extract<
  ThreadEvent,
  {
    readonly _tag:
      | "NameSet"
      | "Archived"
      | "Unarchived"
      | "GitInfoSet"
      | "DaybreakSet"
      | "SectionSet"
      | "AttachmentAdded"
      | "AttachmentRemoved"
      | "ReadStateSet"
      | "GoalSet"
      | "QueueAdded"
      | "QueueUpdated"
      | "QueueRemoved"
      | "QueueReordered"
      | "SubmissionAccepted"
  }
>

const membership = (current: Membership | null, place: SectionPlace | null, at: number): Membership | null =>
  place === null ? null : { ...place, enteredAt: current?.id === place.id ? current.enteredAt : at }

/** The submissions in the order of the ids; those that are not named stay behind the others. */
const reordered = (
  queue: ReadonlyArray<QueuedSubmission>,
  ids: ReadonlyArray<string>
): ReadonlyArray<QueuedSubmission> => {
  const byId = new Map(queue.map((submission) => [submission.id, submission]))
  const named = Array.from(new Set(ids), (id) => byId.get(id)).filter((submission) => submission !== undefined)
  return [...named, ...queue.filter((submission) => !named.includes(submission))]
}

/** The facts that an event changes. */
export const applyFact = (facts: ThreadFacts, event: FactEvent): Partial<ThreadFacts> => {
  switch (event._tag) {
    case "NameSet":
      return { name: event.name }
    case "Archived":
      return { archived: true }
    case "Unarchived":
      return { archived: false }
    case "GitInfoSet":
      return { gitInfo: event.gitInfo }
    case "DaybreakSet":
      return { daybreakEnabled: event.enabled }
    case "SectionSet":
      return { section: membership(facts.section, event.section, event.at) }
    case "AttachmentAdded":
      return { attachments: [...facts.attachments, event.attachment] }
    case "AttachmentRemoved":
      return { attachments: facts.attachments.filter(({ id }) => id !== event.attachmentId) }
    case "ReadStateSet":
      return { readState: event.readState }
    case "GoalSet":
      return { goal: event.goal }
    case "QueueAdded":
      return { queue: [...facts.queue, event.submission] }
    case "QueueUpdated":
      return { queue: facts.queue.map((one) => (one.id === event.submission.id ? event.submission : one)) }
    case "QueueRemoved":
      return { queue: facts.queue.filter(({ id }) => id !== event.submissionId) }
    case "QueueReordered":
      return { queue: reordered(facts.queue, event.submissionIds) }
    case "SubmissionAccepted":
      return { submissions: [...facts.submissions, { key: event.key, turnId: event.turnId }].slice(-MaxSubmissionKeys) }
  }
}

/** The events that give a fork its own facts: it copies the history, not the plans or marks of its source. */
export const factsOfFork = (facts: ThreadFacts, at: number): ReadonlyArray<FactEvent> => [
  ...(facts.archived ? [{ _tag: "Unarchived" as const, at }] : []),
  ...(facts.daybreakEnabled === true ? [{ _tag: "DaybreakSet" as const, at, enabled: false }] : []),
  ...(facts.section === null ? [] : [{ _tag: "SectionSet" as const, at, section: null }]),
  ...facts.attachments.map(({ id }) => ({ _tag: "AttachmentRemoved" as const, at, attachmentId: id })),
  ...(facts.readState === null ? [] : [{ _tag: "ReadStateSet" as const, at, readState: null }]),
  ...(facts.goal === null ? [] : [{ _tag: "GoalSet" as const, at, goal: null }]),
  ...facts.queue.map(({ id }) => ({ _tag: "QueueRemoved" as const, at, submissionId: id }))
]
