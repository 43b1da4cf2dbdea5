/**
 * Sections: the groups into which the user sorts threads.
 *
 * Owns their definitions, which are one small list for all threads. Which thread is in which section is a fact of the thread
 * (`ThreadFacts`), so removing a section changes no thread: a thread in an unknown section counts as in none. Does not own
 * where the list is stored (`ThreadStore.sections`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type { ThreadSection } from "../../protocol/v2/thread/Thread.ts"
import type { ThreadStore, ThreadStoreError } from "./ThreadStore.ts"

/** Maximum number of sections. */
export const MaxSections = 1000

/** Maximum number of characters of a client's id in an error. */
const MaxEchoed = 128

/** Maximum number of bytes of an icon and of a color. */
const MaxAppearance = 64

/** The section that every server has. */
export const pinned: ThreadSection = {
  id: "01984de2-8f74-7c91-a3b2-5c5e937cf318",
  name: "Pinned",
  appearance: null
}

/** A request about sections cannot be executed. `message` is the error text. */
export class SectionError extends Schema.TaggedError<SectionError>()("SectionError", { problem: Schema.String }) {
  override get message(): string {
    return this.problem
  }
}

const refuse = (problem: string) => Effect.fail(new SectionError({ problem }))

/** The new content of a section; an undefined appearance keeps the old one. */
export interface SectionContent {
  readonly name: string
  readonly appearance: ThreadSection["appearance"] | undefined
}

const checked = Effect.fnUntraced(function* ({ appearance, name }: SectionContent) {
  const trimmed = name.trim()
  if (trimmed === "") return yield* refuse("section name must not be empty")
  for (const part of ["icon", "color"] as const) {
    if (Buffer.byteLength(appearance?.[part] ?? "") > MaxAppearance)
      return yield* refuse(`section appearance ${part} must not exceed ${MaxAppearance} bytes`)
  }
  return { name: trimmed, appearance }
})

const replaced = (sections: ReadonlyArray<ThreadSection>, section: ThreadSection, content: SectionContent) => {
  const appearance = content.appearance === undefined ? section.appearance : content.appearance
  const value = { id: section.id, name: content.name, appearance }
  return { sections: sections.map((one) => (one === section ? value : one)), value }
}

const missing = (id: string) => refuse(`thread section not found: ${id.slice(0, MaxEchoed)}`)

export type Sections = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* (
  store: ThreadStore["Service"]["sections"],
  random: SecureRandom.SecureRandom["Service"]
) {
  const writing = yield* Semaphore.make(1)
  let known: ReadonlyArray<ThreadSection> | undefined = store === undefined ? [] : undefined

  const load: Effect.Effect<ReadonlyArray<ThreadSection>, ThreadStoreError> = Effect.suspend(() => {
    if (known !== undefined || store === undefined) return Effect.succeed(known ?? [])
    return Effect.map(store.load, (loaded) => (known = loaded))
  })

  const change = <A, E>(
    decide: (
      sections: ReadonlyArray<ThreadSection>
    ) => Effect.Effect<{ readonly sections: ReadonlyArray<ThreadSection>; readonly value: A }, E>
  ): Effect.Effect<A, E | ThreadStoreError> => {
    const changed = Effect.gen(function* () {
      const { sections, value } = yield* decide(yield* load)
      if (store !== undefined) yield* store.save(sections)
      known = sections
      return value
    })
    return writing.withPermit(Effect.uninterruptible(changed))
  }

  return {
    /** All sections: the built-in one, then the others by id, which is the order of their creation. */
    list: Effect.map(load, (sections) => [pinned, ...sections.toSorted((a, b) => (a.id < b.id ? -1 : 1))]),
    /** The section with this id; null for an unknown one. Sections that were not loaded yet are unknown. */
    find: (id: string): ThreadSection | null =>
      id === pinned.id ? pinned : (known?.find((section) => section.id === id) ?? null),
    create: (content: SectionContent) =>
      change(
        Effect.fnUntraced(function* (sections) {
          const { appearance, name } = yield* checked(content)
          if (sections.length >= MaxSections)
            return yield* refuse(`there are ${MaxSections} sections already; delete one first`)
          const value: ThreadSection = { id: yield* random.uuidV7(), name, appearance: appearance ?? null }
          return { sections: [...sections, value], value }
        })
      ),
    update: (id: string, content: SectionContent) =>
      change(
        Effect.fnUntraced(function* (sections) {
          const { appearance, name } = yield* checked(content)
          if (id === pinned.id) return yield* refuse("the built-in pinned section cannot be renamed")
          const section = sections.find((one) => one.id === id)
          if (section === undefined) return yield* missing(id)
          return replaced(sections, section, { name, appearance })
        })
      ),
    remove: (id: string) =>
      change((sections) => {
        if (id === pinned.id) return refuse("the built-in pinned section cannot be deleted")
        const left = sections.filter((section) => section.id !== id)
        return left.length === sections.length ? missing(id) : Effect.succeed({ sections: left, value: undefined })
      })
  }
})
