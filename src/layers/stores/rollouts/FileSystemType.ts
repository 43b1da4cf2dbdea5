/**
 * Whether a home is on a network file system, where locks and flushes may not hold between machines. It is known only on Linux.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import process from "node:process"

/** Linux's type numbers of network file systems: NFS, SMB, CIFS, SMB2, 9P, Ceph, AFS, Coda, GFS2, OCFS2, Lustre. */
const names: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9P"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x73757245, "Coda"],
  [0x01161970, "GFS2"],
  [0x7461636f, "OCFS2"],
  [0x0bd00bd0, "Lustre"]
])

/** What a network file system means for the threads on it, and what to do. */
export const networkAdvice = "locks and flushes may not hold between machines: use a home on a local disk"

/** The name of a network file system's type; undefined for any other type. */
export const networkName = (type: number): string | undefined => names.get(type >>> 0)

/** The nearest folder of a path that exists. */
const existing = (path: string): string =>
  path === Path.dirname(path) || Fs.existsSync(path) ? path : existing(Path.dirname(path))

/** The network file system that a path is on; undefined for a local one, or when that is not known. */
export const networkAt = (path: string): string | undefined => {
  if (process.platform !== "linux") return undefined
  try {
    return networkName(Fs.statfsSync(existing(path)).type)
  } catch {
    return undefined
  }
}
