/**
 * Where an opened file really is: decides whether a file in a client's folder may be read.
 *
 * The decision is about the open descriptor, not the path, which may lead elsewhere a moment later. On Linux, a descriptor's
 * file has a name (`/proc/self/fd`). Elsewhere the path is resolved, and the result must be the opened file.
 *
 * @module
 */
import type * as Fs from "node:fs"
import * as Path from "node:path"
import process from "node:process"
import { SmallFileError } from "../../services/config/SmallFiles.ts"

type Done<A> = (error: NodeJS.ErrnoException | null, value: A) => void

/** The file system calls, with the signatures of `node:fs`. */
export interface OriginCalls {
  readonly lstat: (path: string, done: Done<Fs.Stats>) => void
  readonly stat: (path: string, done: Done<Fs.Stats>) => void
  readonly statfs: (path: string, done: Done<Pick<Fs.StatsFs, "type">>) => void
  readonly readlink: (path: string, done: Done<string>) => void
  readonly realpath: { readonly native: (path: string, done: Done<string>) => void }
}

/** Converts one callback-based call to a promise. */
export const call = <A>(make: (done: (error: Error | null, value: A) => void) => void): Promise<A> =>
  new Promise<A>((resolve, reject) => {
    make((error, value) => (error === null ? resolve(value) : reject(error)))
  })

/**
 * Linux's type numbers of kernel file systems: proc, sysfs, debugfs, tracefs, securityfs, configfs, cgroup, cgroup2, bpf,
 * pstore, efivarfs, selinuxfs, binfmt_misc, nsfs.
 */
const KernelTypes: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x64626720, 0x74726163, 0x73636673, 0x62656570, 0x27e0eb, 0x63677270, 0xcafe4a11, 0x6165676c,
  0xde5e81e4, 0xf97cff8c, 0x42494e4d, 0x6e736673
])

const descriptorPath = (descriptor: number): string => `/proc/self/fd/${descriptor}`

const sameFile = (left: Fs.Stats, right: Fs.Stats): boolean => left.dev === right.dev && left.ino === right.ino

const isBelow = (root: string, path: string): boolean => {
  const rest = Path.relative(root, path)
  return rest !== "" && rest !== ".." && !rest.startsWith(`..${Path.sep}`) && !Path.isAbsolute(rest)
}

/** An open file. */
export interface Opened {
  readonly path: string
  readonly descriptor: number
  readonly stat: Fs.Stats
}

/** Fails for a kernel file. Only Linux has such files. */
export const refuseKernelFile = async (calls: OriginCalls, { descriptor, path }: Opened): Promise<void> => {
  if (process.platform !== "linux") return
  const typeOf = (at: string) => call<Pick<Fs.StatsFs, "type">>((done) => calls.statfs(at, done))
  // Without `/proc`, the check falls back to the path.
  const { type } = await typeOf(descriptorPath(descriptor)).catch(() => typeOf(path))
  // On some processors the numbers are signed.
  if (KernelTypes.has(type >>> 0)) throw new SmallFileError({ reason: "kernel", path })
}

/** The path of the opened file, without links; undefined when the path leads to another file by now. */
const realPathOf = async (calls: OriginCalls, { descriptor, path, stat }: Opened): Promise<string | undefined> => {
  if (process.platform === "linux") {
    const name = await call<string>((done) => calls.readlink(descriptorPath(descriptor), done)).catch(() => undefined)
    if (name !== undefined) return name
  }
  const real = await call<string>((done) => calls.realpath.native(path, done))
  return sameFile(await call<Fs.Stats>((done) => calls.lstat(real, done)), stat) ? real : undefined
}

/**
 * Fails when the file is not below `root`. `seen` is the result of `lstat` before the file was opened: a file directly in
 * `root` that is not a link needs no further call.
 */
export const refuseOutside = async (
  calls: OriginCalls,
  opened: Opened,
  root: string,
  seen: Fs.Stats | undefined
): Promise<void> => {
  if (seen?.isFile() === true && Path.dirname(opened.path) === root && sameFile(seen, opened.stat)) return
  const real = await realPathOf(calls, opened)
  const realRoot = await call<string>((done) => calls.realpath.native(root, done))
  if (real === undefined || !isBelow(realRoot, real)) throw new SmallFileError({ reason: "outside", path: opened.path })
}
