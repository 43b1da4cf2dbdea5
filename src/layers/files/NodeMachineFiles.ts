/**
 * The files of the machine on Node. The implementation is loaded with the first request.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { MachineFiles } from "../../services/file/MachineFiles.ts"

const make = Effect.gen(function* () {
  const loaded = yield* Effect.cached(
    Effect.uninterruptible(
      Effect.flatMap(
        Effect.promise(() => import("./machine/Machine.ts")),
        ({ make }) => make
      )
    )
  )
  return MachineFiles.of({
    read: (path) => Effect.flatMap(loaded, (files) => files.read(path)),
    write: (path, content) => Effect.flatMap(loaded, (files) => files.write(path, content)),
    makeDirectory: (path, options) => Effect.flatMap(loaded, (files) => files.makeDirectory(path, options)),
    metadata: (path) => Effect.flatMap(loaded, (files) => files.metadata(path)),
    readDirectory: (path) => Effect.flatMap(loaded, (files) => files.readDirectory(path)),
    remove: (path, options) => Effect.flatMap(loaded, (files) => files.remove(path, options)),
    copy: (source, destination, options) => Effect.flatMap(loaded, (files) => files.copy(source, destination, options)),
    watch: (path) => Effect.flatMap(loaded, (files) => files.watch(path))
  })
})

/** The files that the server's user can reach. */
export const layer: Layer.Layer<MachineFiles> = Layer.effect(MachineFiles, make)
