import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { MountPoints } from "../../../src/layers/sandboxes/MountPoints.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "mounts-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** Holds the paths until the returned effect runs. */
const held = (points: MountPoints, ...paths: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Scope.provide(points.hold(paths), scope)
    return Scope.close(scope, Exit.void)
  })

describe("the folders on which a sandbox mounts", () => {
  it.effect("exist while a command needs them", () =>
    Effect.gen(function* () {
      const points = new MountPoints()
      const path = join(yield* folder, ".git")
      const first = yield* held(points, path)
      const second = yield* held(points, path)
      assert.isTrue(existsSync(path))
      yield* first
      assert.isTrue(existsSync(path))
      yield* second
      assert.isFalse(existsSync(path))
      const third = yield* held(points, path)
      assert.isTrue(existsSync(path))
      yield* third
      assert.isFalse(existsSync(path))
    })
  )

  it.effect("stay when they existed before, or are in use by then", () =>
    Effect.gen(function* () {
      const points = new MountPoints()
      const root = yield* folder
      const [before, filled] = [join(root, "before"), join(root, "filled")]
      mkdirSync(before)
      const release = yield* held(points, before, filled)
      rmSync(filled, { recursive: true })
      mkdirSync(filled)
      writeFileSync(join(filled, "file"), "")
      yield* release
      assert.deepStrictEqual([existsSync(before), existsSync(join(filled, "file"))], [true, true])
    })
  )

  it.effect("are left out when they cannot be created", () =>
    Effect.gen(function* () {
      const points = new MountPoints()
      const path = join(yield* folder, "absent/.git")
      yield* yield* held(points, path)
      assert.isFalse(existsSync(path))
    })
  )
})
