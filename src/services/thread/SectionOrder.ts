/**
 * The order of the threads in a section.
 *
 * Owns the positions: numbers with gaps, so that a thread is put between two others without changing them. When there is no
 * gap left, the threads of the section are numbered again.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { invalidRequest, type RequestError } from "../routing/RequestError.ts"
import type { SectionPlace } from "./ThreadEvent.ts"
import type { ChangeError, ThreadChanges } from "./ThreadChanges.ts"
import { everyThread, type ThreadStore, type ThreadStoreError, type ThreadSummary } from "./ThreadStore.ts"

/** The gap between neighbours that were put at the end. */
export const Step = 1_000_000

/** Members of a section that are read at a time. */
const ReadAtOnce = 500

interface Services {
  readonly store: ThreadStore["Service"]
  readonly threads: { readonly stored: ThreadChanges }
  /** Unix milliseconds. */
  readonly at: number
}

/** Where a thread is to be put: in front of another one, or at the end. */
interface Target {
  readonly sectionId: string
  readonly threadId: string
  readonly beforeId: string | null
}

interface Member {
  readonly id: string
  readonly position: number
}

const memberOf = ({ origin, section }: ThreadSummary): ReadonlyArray<Member> =>
  section === null ? [] : [{ id: origin.id, position: section.position }]

/** The threads of a section in their order, archived ones too, without the one that is moved. */
const membersOf = Effect.fnUntraced(function* (
  { store }: Services,
  { sectionId, threadId }: Target
): Effect.fn.Return<ReadonlyArray<Member>, ThreadStoreError> {
  const members: Array<Member> = []
  while (true) {
    const last = members.at(-1)
    const { threads } = yield* store.list({
      filter: { ...everyThread, section: { anyOf: [sectionId] }, excludedIds: [threadId] },
      cursor: last === undefined ? null : { value: last.position, id: last.id },
      limit: ReadAtOnce,
      sortKey: "section_position",
      sortDirection: "asc"
    })
    members.push(...threads.flatMap(memberOf))
    if (threads.length < ReadAtOnce) return members
  }
})

/** Numbers the members again, with gaps. */
const renumber = ({ at, threads }: Services, { sectionId }: Target, members: ReadonlyArray<Member>) =>
  Effect.forEach(
    members,
    ({ id }, index) => {
      const section = { id: sectionId, position: (index + 1) * Step }
      const decision = { events: [{ _tag: "SectionSet" as const, at, section }], value: undefined }
      return Effect.as(
        threads.stored.change(id, () => Effect.succeed(decision)),
        { id, position: section.position }
      )
    },
    { concurrency: 1 }
  )

/** The position between two neighbours; undefined when there is none. */
export const between = (before: number | undefined, behind: number | undefined): number | undefined => {
  if (behind === undefined) return (before ?? 0) + Step
  const position = Math.floor(((before ?? 0) + behind) / 2)
  return position > (before ?? 0) && position < behind ? position : undefined
}

/** The place of a thread that is moved. Other threads of the section get new positions if they have to. */
export const place = Effect.fnUntraced(function* (
  services: Services,
  target: Target
): Effect.fn.Return<SectionPlace, RequestError | ChangeError> {
  const { beforeId, sectionId } = target
  let members = yield* membersOf(services, target)
  const index = beforeId === null ? members.length : members.findIndex(({ id }) => id === beforeId)
  if (index === -1) return yield* invalidRequest(`before thread ${beforeId} is not in section ${sectionId}`)
  const found = () => between(members[index - 1]?.position, members[index]?.position)
  let position = found()
  if (position === undefined) {
    members = yield* renumber(services, target, members)
    position = found()
  }
  return { id: sectionId, position: position ?? Step }
})
