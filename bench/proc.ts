/**
 * Process information from Linux.
 */
import { existsSync, readFileSync } from "node:fs"

/** Whether `/proc` is available. */
export const isAvailable = existsSync("/proc/self/status")

/** The kernel counts CPU time in hundredths of a second. */
const TickMillis = 10

/** CPU time of a process and all its threads in milliseconds, user and system. */
export const cpuMillis = (pid: number): number => {
  // The second field is the name in parentheses, with any content. The numbered fields follow it.
  const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/\) (?!.*\) )/s)
  const fields = rest.split(" ")
  return (Number(fields[11]) + Number(fields[12])) * TickMillis
}

/** Resident memory of a process, in units of 10^6 bytes. */
export const residentMegabytes = (pid: number): number => {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  return (Number(kibibytes) * 1024) / 1e6
}
