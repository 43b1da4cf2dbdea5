/**
 * A store of threads: a file of JSON lines per thread. `own-store.ts` uses it.
 *
 * The file is the truth; Spindle's memory store, filled from the files at the start, answers the queries. One line is one
 * append, so that a line which was not written whole is an append that did not happen. One process uses the folder at a time.
 */
import { Context, Effect, FileSystem, Layer, Path, Schema, Semaphore } from "effect"
import { MemoryStore, ThreadEvent, ThreadStore } from "spindle-app-server"

const Line = Schema.fromJsonString(Schema.Array(ThreadEvent.ThreadEvent()))
const encode = Schema.encodeEffect(Line)
const decode = Schema.decodeEffect(Line)

type Operation = ThreadStore.ThreadStoreError["operation"]

const make = Effect.fn(function* (folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const memory = Context.get(yield* Layer.build(MemoryStore.layer), ThreadStore.ThreadStore)
  const lock = yield* Semaphore.make(1)
  const lengths = new Map<string, number>()
  // Ids are UUIDs, but a file name is checked where it is made.
  const fileOf = (threadId: string) => path.join(folder, `${encodeURIComponent(threadId)}.jsonl`)

  const load = Effect.fnUntraced(function* (name: string) {
    const file = path.join(folder, name)
    const text = yield* files.readFileString(file)
    const whole = text.slice(0, text.lastIndexOf("\n") + 1)
    // The rest of a line from a crash would spoil the next one.
    if (whole !== text) yield* files.writeFileString(file, whole)
    const threadId = decodeURIComponent(path.basename(name, ".jsonl"))
    for (const line of whole.split("\n").slice(0, -1)) {
      const events = yield* decode(line)
      const length = lengths.get(threadId) ?? 0
      yield* memory.append(threadId, length, events)
      lengths.set(threadId, length + events.length)
    }
  })

  yield* files.makeDirectory(folder, { recursive: true })
  const names = yield* files.readDirectory(folder)
  yield* Effect.forEach(
    names.filter((name) => name.endsWith(".jsonl")),
    load
  )

  const failed = (operation: Operation) => (cause: unknown) =>
    new ThreadStore.ThreadStoreError({ operation, reason: "unavailable", cause })
  const conflict = (operation: Operation, detail: string) =>
    Effect.fail(new ThreadStore.ThreadStoreError({ operation, reason: "conflict", cause: new Error(detail) }))

  /** Checks first, then writes the file, then the memory: nothing is half done when a step fails. */
  const write = (operation: Operation, threadId: string, at: number, events: ReadonlyArray<ThreadEvent.ThreadEvent>) =>
    Effect.gen(function* () {
      const length = lengths.get(threadId) ?? 0
      if (length !== at) return yield* conflict(operation, `expected event ${at}, has ${length}`)
      if (events.length === 0) return
      if (length === 0 && events[0]?._tag !== "Created") return yield* conflict(operation, "no Created")
      const line = yield* Effect.mapError(encode(events), failed(operation))
      yield* files
        .writeFileString(fileOf(threadId), `${line}\n`, { flag: "a" })
        .pipe(Effect.mapError(failed(operation)))
      lengths.set(threadId, length + events.length)
      yield* memory.append(threadId, at, events)
    }).pipe(Effect.uninterruptible, lock.withPermits(1))

  return ThreadStore.ThreadStore.of({
    ...memory,
    append: (threadId, expectedSeq, events) => write("append", threadId, expectedSeq, events),
    fork: (sourceId, atSeq, created) =>
      Effect.gen(function* () {
        const source = yield* memory.read(sourceId, { from: 0, limit: atSeq })
        if (atSeq < 1 || source.length < atSeq) return yield* conflict("fork", "the source has fewer events")
        yield* write("fork", created.origin.id, 0, [created, ...source.slice(1).map(({ event }) => event)])
      }),
    delete: (threadId) =>
      Effect.gen(function* () {
        yield* files.remove(fileOf(threadId), { force: true }).pipe(Effect.mapError(failed("delete")))
        lengths.delete(threadId)
        yield* memory.delete(threadId)
      }).pipe(Effect.uninterruptible, lock.withPermits(1))
  })
})

/** The store in a folder. A folder that cannot be read stops the program: going on would hide the threads in it. */
export const layer = (folder: string): Layer.Layer<ThreadStore.ThreadStore, never, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(ThreadStore.ThreadStore, make(folder)).pipe(Layer.orDie)
