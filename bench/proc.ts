/**
 * What Linux knows of a process.
 */
import { existsSync, readFileSync } from "node:fs"

/** Whether there is anything to ask. */
export const isAvailable = existsSync("/proc/self/status")

/** The kernel counts CPU time in hundredths of a second. */
const TickMillis = 10

/** Milliseconds of CPU that a process and all its threads have used, user and system. */
export const cpuMillis = (pid: number): number => {
  // The second field is the name, in parentheses, and may contain anything; counting begins behind it.
  const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/\) (?!.*\) )/s)
  const fields = rest.split(" ")
  return (Number(fields[11]) + Number(fields[12])) * TickMillis
}

/** Memory that a process holds, in units of 10^6 bytes. */
export const residentMegabytes = (pid: number): number => {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  return (Number(kibibytes) * 1024) / 1e6
}
