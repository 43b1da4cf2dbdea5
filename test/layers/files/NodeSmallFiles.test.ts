import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import * as SmallFiles from "../../../src/services/config/SmallFiles.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "spindle-files-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const whole = (maxBytes: number, namedBy: SmallFiles.NamedBy = "client"): SmallFiles.ReadOptions => ({
  maxBytes,
  namedBy
})

/** The text of a file; the error of a refused one; undefined when there is none. */
const read = (
  path: string,
  options = whole(100),
  files: SmallFiles.SmallFiles["Service"] = NodeSmallFiles.make(Fs)
): Effect.Effect<string | undefined> =>
  Effect.map(Effect.result(SmallFiles.text(files, path, options)), (result) =>
    Result.isSuccess(result) ? result.success : `! ${result.failure.detail}`
  )

/** Has no timeout of its own: a read that hangs fails by the test's time limit. */
describe.each(["server", "client"] as const)("small files, named by the %s", (namedBy) => {
  const files = NodeSmallFiles.make(Fs)
  const options = whole(100, namedBy)

  it.effect("are read, and their stamp changes with them", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "a.toml")
      Fs.writeFileSync(file, "one")
      const before = yield* files.stamp(file, namedBy)
      assert.deepStrictEqual([before?.size, yield* read(file, options)], [3, "one"])
      assert.deepStrictEqual(yield* files.stamp(file, namedBy), before)
      Fs.writeFileSync(file, "three")
      assert.notDeepEqual(yield* files.stamp(file, namedBy), before)
      assert.strictEqual(yield* read(file, options), "three")
    })
  )

  it.effect("do not exist below a file or behind a dangling link", () =>
    Effect.gen(function* () {
      const path = yield* folder
      Fs.writeFileSync(join(path, "file"), "")
      Fs.symlinkSync(join(path, "gone"), join(path, "link"))
      for (const name of ["none", "file/none", "link"]) {
        assert.deepStrictEqual(
          [yield* files.stamp(join(path, name), namedBy), yield* read(join(path, name), options)],
          [undefined, undefined]
        )
      }
    })
  )

  it.effect("fail for an invalid path: a loop of links, a name that is too long, a NUL", () =>
    Effect.gen(function* () {
      const path = yield* folder
      Fs.symlinkSync("circle", join(path, "circle"))
      const reasons = yield* Effect.forEach([join(path, "circle"), `/${"a".repeat(5000)}`, "/a\0b"], (file) =>
        Effect.all([
          Effect.map(Effect.flip(files.stamp(file, namedBy)), ({ reason }) => reason),
          Effect.map(Effect.flip(files.head(file, options)), ({ reason }) => reason)
        ])
      )
      assert.deepStrictEqual(reasons, [
        ["unreadable", "unreadable"],
        ["unreadable", "unreadable"],
        ["unreadable", "unreadable"]
      ])
    })
  )

  it.effect("may have the maximum length, also when their size is unknown", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const [fits, over, sparse] = [join(path, "fits"), join(path, "over"), join(path, "sparse")]
      Fs.writeFileSync(fits, "x".repeat(100))
      Fs.writeFileSync(over, "x".repeat(101))
      Fs.writeFileSync(sparse, "")
      Fs.truncateSync(sparse, 3 * 1024 ** 3)
      assert.deepStrictEqual(
        [yield* read(fits, options), yield* read(over, options), yield* read(sparse, options)],
        ["x".repeat(100), "! larger than 100 bytes", "! larger than 100 bytes"]
      )
      const head = yield* files.head(sparse, options)
      assert.deepStrictEqual(head, { bytes: new Uint8Array(100), whole: false, size: 3 * 1024 ** 3 })
    })
  )

  it.effect("are UTF-8; a byte order mark is removed from the text, a NUL is not", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "file")
      const texts: Array<string | undefined> = []
      for (const bytes of ["\uFEFFa = 1", "a\0b", Buffer.from([0x61, 0xff])]) {
        Fs.writeFileSync(file, bytes)
        texts.push(yield* read(file, options))
      }
      assert.deepStrictEqual(texts, ["a = 1", "a\0b", "! not UTF-8 text"])
    })
  )

  it.effect.skipIf(process.platform === "win32")("are regular: no folder, pipe, socket or device is opened", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const at = (name: string) => join(path, name)
      execFileSync("mkfifo", [at("pipe")])
      yield* Effect.acquireRelease(
        Effect.callback<Net.Server>((resume) => {
          const server = Net.createServer().listen(at("socket"), () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      for (const device of ["null", "zero", "random", "tty"]) Fs.symlinkSync(`/dev/${device}`, at(device))
      let opened = 0
      const counting: NodeSmallFiles.Calls = {
        ...Fs,
        open: (path, flags, done) => {
          opened++
          Fs.open(path, flags, done)
        }
      }
      const names = [".", "pipe", "socket", "null", "zero", "random", "tty"]
      const results = yield* Effect.forEach(names, (name) => read(at(name), options, NodeSmallFiles.make(counting)))
      assert.deepStrictEqual([results, opened], [names.map(() => "! not a regular file"), 0])
    })
  )

  it.effect.skipIf(process.platform !== "linux")("are not read from kernel file systems when a client named them", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const kernel = ["/proc/self/environ", "/proc/self/comm", "/proc/self/mem", "/sys/kernel/uevent_seqnum"]
      const links = kernel.map((target, index) => {
        const link = join(path, `${index}.png`)
        Fs.symlinkSync(target, link)
        return link
      })
      const noProc: NodeSmallFiles.Calls = {
        ...Fs,
        statfs: (at, done) =>
          at.startsWith("/proc/self/fd/") ? done(new Error("none"), { type: 0 }) : Fs.statfs(at, done)
      }
      const refused = "! it is a file of the kernel, as in /proc or /sys"
      for (const files of [NodeSmallFiles.make(Fs), NodeSmallFiles.make(noProc)]) {
        const results = yield* Effect.forEach([...kernel, ...links], (file) => read(file, options, files))
        assert.deepStrictEqual(
          results.map((result) => result === refused),
          results.map(() => namedBy === "client")
        )
      }
    })
  )

  it.effect.skipIf(process.platform !== "linux")("may have no end and no size, as in /proc", () =>
    Effect.gen(function* () {
      if (namedBy === "client") return
      assert.strictEqual(yield* read("/proc/self/mem", options), "! cannot be read (EIO)")
      assert.strictEqual(yield* read("/proc/self/maps", options), "! larger than 100 bytes")
      assert.strictEqual(yield* read("/proc/self/comm", options), Fs.readFileSync("/proc/self/comm", "utf8"))
    })
  )

  it.effect("may be unreadable by permission", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "file")
      Fs.writeFileSync(file, "")
      const calls: NodeSmallFiles.Calls = {
        ...Fs,
        open: (_path, _flags, done) => done(Object.assign(new Error("no"), { code: "EACCES" }), 0)
      }
      assert.strictEqual(yield* read(file, options, NodeSmallFiles.make(calls)), "! permission denied")
    })
  )
})

describe("a file that must be in a folder", () => {
  const outside = "! it is a link to a file outside the project"

  /** A project with links, and the text of each of its files. */
  const project = Effect.gen(function* () {
    const path = yield* folder
    const root = join(path, "project")
    const at = (name: string) => join(root, name)
    for (const name of ["project/docs", "project-secret", "secret"]) Fs.mkdirSync(join(path, name), { recursive: true })
    for (const name of ["project/docs/a.md", "project/plain", "project/docs/..plain"]) {
      Fs.writeFileSync(join(path, name), "inside")
    }
    for (const name of ["secret/a.md", "project-secret/a.md"]) Fs.writeFileSync(join(path, name), "secret")
    Fs.symlinkSync("project", join(path, "link"))
    const links = {
      near: "docs/a.md",
      dotted: "docs/..plain",
      around: "../link/docs/a.md",
      absolute: at("docs/a.md"),
      twice: "near",
      far: "../secret/a.md",
      farAbsolute: join(path, "secret/a.md"),
      farTwice: "far",
      sibling: "../project-secret/a.md",
      sub: "../secret",
      "docs/up": "../../secret/a.md"
    }
    for (const [name, target] of Object.entries(links)) Fs.symlinkSync(target, at(name))
    return { path, root }
  })

  const inside = ["plain", "docs/a.md", "docs/..plain", "near", "dotted", "around", "absolute", "twice"]
  const away = ["far", "farAbsolute", "farTwice", "sibling", "sub/a.md", "docs/up"]
  const expected = [...inside.map(() => "inside"), ...away.map(() => outside)]

  const noProc: NodeSmallFiles.Calls = { ...Fs, readlink: (_path, done) => done(new Error("none"), "") }

  it.effect.each([
    ["by its descriptor", NodeSmallFiles.make(Fs)],
    ["by its path, where descriptors have no names", NodeSmallFiles.make(noProc)]
  ] as const)("is judged %s", ([, files]) =>
    Effect.gen(function* () {
      const { path, root } = yield* project
      for (const within of [root, join(path, "link")]) {
        const results = yield* Effect.forEach([...inside, ...away], (name) =>
          read(join(within, name), { ...whole(100), within }, files)
        )
        assert.deepStrictEqual(results, expected)
      }
    })
  )

  it.effect.each([
    ["a file", "plain", Fs],
    ["a file in a subfolder", "docs/a.md", Fs],
    ["a file without a name for its descriptor", "docs/a.md", noProc],
    ["a link", "near", Fs],
    ["a link without a name for its descriptor", "near", noProc]
  ] as const)("is the one that was opened: %s is replaced between the check and the open", ([, name, base]) =>
    Effect.gen(function* () {
      const { path, root } = yield* project
      const calls: NodeSmallFiles.Calls = {
        ...base,
        open: (at, flags, done) => {
          // The path leads outside only while the file is opened.
          Fs.renameSync(at, `${at}.kept`)
          Fs.symlinkSync(join(path, "secret/a.md"), at)
          Fs.open(at, flags, (error, descriptor) => {
            Fs.renameSync(`${at}.kept`, at)
            done(error, descriptor)
          })
        }
      }
      const text = yield* read(join(root, name), { ...whole(100), within: root }, NodeSmallFiles.make(calls))
      assert.strictEqual(text, outside)
    })
  )

  it.effect("needs no additional call when it is not a link", () =>
    Effect.gen(function* () {
      const { root } = yield* project
      const made: Array<string> = []
      const counted =
        <A extends ReadonlyArray<unknown>>(name: string, run: (...given: A) => void) =>
        (...given: A) => {
          made.push(name)
          run(...given)
        }
      const calls: NodeSmallFiles.Calls = {
        ...Fs,
        lstat: counted<Parameters<NodeSmallFiles.Calls["lstat"]>>("look", Fs.lstat),
        stat: counted<Parameters<NodeSmallFiles.Calls["stat"]>>("look", Fs.stat),
        statfs: counted<Parameters<NodeSmallFiles.Calls["statfs"]>>("statfs", Fs.statfs),
        readlink: counted<Parameters<NodeSmallFiles.Calls["readlink"]>>("readlink", Fs.readlink),
        realpath: { native: counted<Parameters<typeof Fs.realpath.native>>("realpath", Fs.realpath.native) }
      }
      const files = NodeSmallFiles.make(calls)
      const file = join(root, "plain")
      yield* read(file, whole(100), files)
      made.length = 0
      yield* read(file, whole(100), files)
      const free = made.splice(0)
      yield* read(file, { ...whole(100), within: root }, files)
      assert.deepStrictEqual([free, made], [["look"], ["look"]])
    })
  )
})

it.effect("a file that is replaced while it is opened is checked after the open, and closed", () =>
  Effect.gen(function* () {
    const path = yield* folder
    const file = join(path, "file")
    Fs.writeFileSync(file, "")
    const opened: Array<number> = []
    const closed: Array<number> = []
    const calls: NodeSmallFiles.Calls = {
      ...Fs,
      open: (_path, flags, done) => {
        Fs.open("/dev/zero", flags, (error, descriptor) => {
          opened.push(descriptor)
          done(error, descriptor)
        })
      },
      close: (descriptor, done) => {
        closed.push(descriptor)
        Fs.close(descriptor, done)
      }
    }
    assert.strictEqual(yield* read(file, whole(100), NodeSmallFiles.make(calls)), "! not a regular file")
    assert.deepStrictEqual([opened.length, closed], [1, opened])
  })
)

it.effect("a file that grows while it is read is read only up to the limit", () =>
  Effect.gen(function* () {
    const file = join(yield* folder, "file")
    Fs.writeFileSync(file, "x")
    let count = 0
    const calls: NodeSmallFiles.Calls = {
      ...Fs,
      read: (descriptor, into, offset, length, position, done) => {
        Fs.appendFileSync(file, "x".repeat(60))
        Fs.read(descriptor, into, offset, length, position, (error, read) => {
          count += read
          done(error, read)
        })
      }
    }
    assert.strictEqual(yield* read(file, whole(100), NodeSmallFiles.make(calls)), "! larger than 100 bytes")
    assert.strictEqual(count, 101)
  })
)

describe("a path from a client", () => {
  /** Counts synchronous and asynchronous stats. */
  const counting = (type: number) => {
    const counts = { sync: 0, async: 0 }
    const calls: NodeSmallFiles.Calls = {
      ...Fs,
      statfs: (path, done) => Fs.stat(path, (error) => done(error, { type })),
      lstatSync: (path, options) => {
        counts.sync++
        return Fs.lstatSync(path, options)
      },
      stat: (path, done) => {
        counts.async++
        Fs.stat(path, done)
      }
    }
    return { counts, files: NodeSmallFiles.make(calls) }
  }

  const look = Effect.fnUntraced(function* (files: SmallFiles.SmallFiles["Service"]) {
    const path = yield* folder
    const at = (name: string) => join(path, name)
    Fs.writeFileSync(at("file"), "12")
    Fs.symlinkSync("file", at("link"))
    Fs.symlinkSync(".", at("folder"))
    const exist = yield* files.exist(["none", "file", "link"].map(at))
    const sizes = yield* Effect.forEach(["none", "file", "link", "folder/file", "none/file"], (name) =>
      Effect.map(files.stamp(at(name), "client"), (stamp) => stamp?.size)
    )
    return [exist, sizes]
  })
  const seen = [
    [false, true, true],
    [undefined, 2, 2, 2, undefined]
  ]

  it.effect("is checked synchronously on a local disk, except for links", () =>
    Effect.gen(function* () {
      const { counts, files } = counting(0xef53)
      assert.deepStrictEqual(yield* look(files), seen)
      assert.deepStrictEqual(counts, { sync: 8, async: 3 })
    })
  )

  it.effect("is checked asynchronously on any other file system", () =>
    Effect.gen(function* () {
      const nfs = 0x6969
      const { counts, files } = counting(nfs)
      assert.deepStrictEqual(yield* look(files), seen)
      assert.deepStrictEqual(counts, { sync: 0, async: 8 })
    })
  )
})

describe("a hanging file system", () => {
  /** Calls below `/hung` complete when `wake` is called; `closed` counts descriptors. */
  const hanging = () => {
    const asleep: Array<() => void> = []
    const started = Deferred.makeUnsafe<void>()
    let calling = 0
    const calls: NodeSmallFiles.Calls = {
      ...Fs,
      statfs: (path, done) => calls.stat(path, (error) => done(error, { type: 0 })),
      stat: (path, done) => {
        if (!path.startsWith("/hung")) return Fs.stat(path, done)
        calling++
        asleep.push(() => Fs.stat("/none", done))
        if (calling === NodeSmallFiles.MaxClientCalls) Deferred.doneUnsafe(started, Effect.void)
      }
    }
    return {
      files: NodeSmallFiles.make(calls),
      started: Deferred.await(started),
      calls: () => calling,
      wake: () => asleep.splice(0).forEach((answer) => answer())
    }
  }

  it.effect("fails at the deadline, blocks only the threads for clients, and none of the server's own files", () =>
    Effect.gen(function* () {
      const { calls, files, started, wake } = hanging()
      const path = yield* folder
      const file = join(path, "file")
      Fs.writeFileSync(file, "here")
      const hung = yield* Effect.forkChild(
        Effect.forEach(["/hung/1", "/hung/2", "/hung/3"], (name) => read(name, whole(100), files), {
          concurrency: "unbounded"
        })
      )
      yield* started
      assert.strictEqual(yield* read(file, whole(100, "server"), files), "here")
      assert.strictEqual((yield* files.stamp(file, "server"))?.size, 4)
      yield* TestClock.adjust(NodeSmallFiles.Deadline)
      assert.deepStrictEqual(
        yield* Fiber.join(hung),
        Array.from({ length: 3 }, () => "! the file system does not answer")
      )
      assert.strictEqual(calls(), NodeSmallFiles.MaxClientCalls)
      const waiting = yield* Effect.forkChild(read(file, whole(100), files), { startImmediately: true })
      wake()
      assert.strictEqual(yield* Fiber.join(waiting), "here")
      assert.strictEqual(calls(), NodeSmallFiles.MaxClientCalls)
    })
  )

  it.effect("has none of the requested markers", () =>
    Effect.gen(function* () {
      const { files, started } = hanging()
      const fiber = yield* Effect.forkChild(files.exist(["/hung/.git", "/hung/x/.git", "/hung/y/.git"]))
      yield* started
      yield* TestClock.adjust(NodeSmallFiles.Deadline)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [false, false, false])
    })
  )
})
