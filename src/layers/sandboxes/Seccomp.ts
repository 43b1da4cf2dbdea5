/**
 * Filters of system calls for sandboxed commands, as programs of the kernel's packet filter.
 *
 * Owns which calls are refused. With the network off these are all calls that create a socket or name a peer, except pairs
 * of connected sockets, whose two ends stay in the sandbox. A datagram pair is refused too: its ends can send to any socket
 * in the file system. In every sandbox io_uring is refused, because it makes such calls without passing the filter, and so
 * are typing into a terminal and changing the flags of a file that is only open for reading. Calls of another architecture
 * end the process, because their numbers differ.
 *
 * @module
 */

/** The architectures with a filter. */
export type Architecture = "x64" | "arm64"

const Numbers = {
  ioctl: [16, 29],
  socket: [41, 198],
  connect: [42, 203],
  accept: [43, 202],
  sendto: [44, 206],
  bind: [49, 200],
  listen: [50, 201],
  socketpair: [53, 199],
  ptrace: [101, 117],
  accept4: [288, 242],
  sendmmsg: [307, 269],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  pidfd_getfd: [438, 438],
  chmod: [90, -1],
  fchmod: [91, 52],
  chown: [92, -1],
  fchown: [93, 55],
  lchown: [94, -1],
  utime: [132, -1],
  setxattr: [188, 5],
  lsetxattr: [189, 6],
  fsetxattr: [190, 7],
  removexattr: [197, 14],
  lremovexattr: [198, 15],
  fremovexattr: [199, 16],
  utimes: [235, -1],
  fchownat: [260, 54],
  futimesat: [261, -1],
  fchmodat: [268, 53],
  utimensat: [280, 88],
  fchmodat2: [452, 452],
  setxattrat: [463, 463],
  removexattrat: [466, 466],
  file_setattr: [469, 469]
} as const satisfies Readonly<Record<string, readonly [x64: number, arm64: number]>>

type Call = keyof typeof Numbers

/** Refuses a call: always, or when the low half of an argument, masked, is or is not one of the values. */
interface Rule {
  readonly call: Call
  /** The kernel seems not to have the call. */
  readonly missing?: true
  readonly when?: {
    readonly argument: number
    readonly mask?: number
    /** `set` is a pointer that is not null. */
    readonly is: "in" | "notIn" | "set"
    readonly values: ReadonlyArray<number>
  }
}

const Unix = 1
const Inet = 2
const Inet6 = 10
const Netlink = 16

const Stream = 1
const SequencedPacket = 5

/** TIOCSTI and TIOCLINUX type into a terminal; FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR change the flags of a file. */
const RefusedIoctls = [0x5412, 0x541c, 0x40086602, 0x40046602, 0x401c5820]

const always: ReadonlyArray<Rule> = [
  { call: "ioctl", when: { argument: 1, is: "in", values: RefusedIoctls } },
  { call: "io_uring_setup" },
  { call: "io_uring_enter" },
  { call: "io_uring_register" },
  // Newer forms of the calls below, which a broker may not know. Libraries then use the older ones.
  { call: "fchmodat2", missing: true },
  { call: "setxattrat", missing: true },
  { call: "removexattrat", missing: true },
  { call: "file_setattr", missing: true }
]

/** Calls that change what belongs to a file besides its content, and also work on a file that is open for reading. */
const ofAttributes: ReadonlyArray<Rule> = [
  { call: "chmod" },
  { call: "fchmod" },
  { call: "fchmodat" },
  { call: "chown" },
  { call: "fchown" },
  { call: "lchown" },
  { call: "fchownat" },
  { call: "utime" },
  { call: "utimes" },
  { call: "futimesat" },
  { call: "utimensat" },
  { call: "setxattr" },
  { call: "lsetxattr" },
  { call: "fsetxattr" },
  { call: "removexattr" },
  { call: "lremovexattr" },
  { call: "fremovexattr" }
]

/** Sockets of the internet, of the machine, and of the kernel's routing; no raw packets and no virtual machine's host. */
const withNetwork: ReadonlyArray<Rule> = [
  { call: "socket", when: { argument: 0, is: "notIn", values: [Unix, Inet, Inet6, Netlink] } }
]

const withoutNetwork: ReadonlyArray<Rule> = [
  { call: "socket" },
  { call: "socketpair", when: { argument: 0, is: "notIn", values: [Unix] } },
  { call: "socketpair", when: { argument: 1, mask: 0xf, is: "notIn", values: [Stream, SequencedPacket] } },
  { call: "connect" },
  { call: "bind" },
  { call: "listen" },
  { call: "accept" },
  { call: "accept4" },
  { call: "sendto", when: { argument: 4, is: "set", values: [] } },
  { call: "sendmmsg" }
]

/** Calls that read or change other processes. A sandbox that hides other processes does not depend on them. */
const ofOtherProcesses: ReadonlyArray<Rule> = [
  { call: "ptrace" },
  { call: "process_vm_readv" },
  { call: "process_vm_writev" },
  { call: "pidfd_getfd" }
]

/** What a filter refuses besides the calls that every filter refuses. */
export interface Options {
  readonly architecture: Architecture
  /** False refuses every socket except connected pairs. */
  readonly network: boolean
  /** True also refuses ptrace and its kin. */
  readonly processes: boolean
  /** True also refuses to change the mode, the owner, the times and the extended attributes of any file. Default: false. */
  readonly attributes?: boolean
}

/** The architecture of `process.arch`, if it has a filter. */
export const architectureOf = (arch: string): Architecture | undefined =>
  arch === "x64" || arch === "arm64" ? arch : undefined

interface Instruction {
  readonly code: number
  readonly jumpTrue?: number
  readonly jumpFalse?: number
  readonly value: number
}

const load = (offset: number): Instruction => ({ code: 0x20, value: offset })
const and = (mask: number): Instruction => ({ code: 0x54, value: mask })
const answer = (value: number): Instruction => ({ code: 0x06, value })

const Allow = answer(0x7fff0000)
const Refuse = answer(0x00050001)
const Missing = answer(0x00050026)
const Kill = answer(0x80000000)

const NumberOffset = 0
const ArchitectureOffset = 4
const argumentOffset = (index: number): number => 16 + 8 * index

/** Skips the next `count` instructions unless the loaded value is `value`. */
const unless = (value: number, count: number): Instruction => ({ code: 0x15, jumpFalse: count, value })
/** Skips the next `count` instructions when the loaded value is `value`. */
const when = (value: number, count: number): Instruction => ({ code: 0x15, jumpTrue: count, value })

const AuditArchitecture: Readonly<Record<Architecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 }

/** The second set of numbers that x64 kernels may accept. */
const X32 = 0x40000000
const isX32: Instruction = { code: 0x35, jumpFalse: 1, value: X32 }

/** The check of one rule. The number is loaded before and after it. */
const ruleProgram = (rule: Rule, architecture: Architecture): ReadonlyArray<Instruction> => {
  const number = Numbers[rule.call][architecture === "x64" ? 0 : 1]
  // The architecture does not have the call.
  if (number === -1) return []
  const check = rule.when === undefined ? [rule.missing === true ? Missing : Refuse] : conditionProgram(rule.when)
  return [unless(number, check.length), ...check]
}

const conditionProgram = (condition: NonNullable<Rule["when"]>): ReadonlyArray<Instruction> => {
  const { argument, is, mask, values } = condition
  const low = [load(argumentOffset(argument)), ...(mask === undefined ? [] : [and(mask)])]
  switch (is) {
    case "in":
      return [...low, ...values.flatMap((value) => [unless(value, 1), Refuse]), load(NumberOffset)]
    case "notIn":
      return [...low, ...values.map((value, index) => when(value, values.length - index)), Refuse, load(NumberOffset)]
    case "set":
      return [...low, when(0, 1), Refuse, load(argumentOffset(argument) + 4), when(0, 1), Refuse, load(NumberOffset)]
  }
}

/** The bytes of a filter, in the form of `bwrap --seccomp` and of `sock_fprog`. */
export const filter = ({ architecture, attributes = false, network, processes }: Options): Uint8Array => {
  const rules = [
    ...always,
    ...(network ? withNetwork : withoutNetwork),
    ...(processes ? ofOtherProcesses : []),
    ...(attributes ? ofAttributes : [])
  ]
  const program: ReadonlyArray<Instruction> = [
    load(ArchitectureOffset),
    when(AuditArchitecture[architecture], 1),
    Kill,
    load(NumberOffset),
    ...(architecture === "x64" ? [isX32, Missing] : []),
    ...rules.flatMap((rule) => ruleProgram(rule, architecture)),
    Allow
  ]
  const bytes = Buffer.alloc(8 * program.length)
  program.forEach(({ code, jumpFalse = 0, jumpTrue = 0, value }, index) => {
    bytes.writeUInt16LE(code, 8 * index)
    bytes.writeUInt8(jumpTrue, 8 * index + 2)
    bytes.writeUInt8(jumpFalse, 8 * index + 3)
    bytes.writeUInt32LE(value, 8 * index + 4)
  })
  return bytes
}
