import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { filter, type Options } from "../../../src/layers/sandboxes/Seccomp.ts"

const architectures = { x64: 0xc000003e, arm64: 0xc00000b7 } as const

interface Call {
  readonly architecture: number
  readonly number: number
  readonly args?: ReadonlyArray<bigint>
}

type Answer = "allow" | "refuse" | "missing" | "kill"

/** Runs a filter as the kernel does. */
const judged = (program: Uint8Array, { architecture, args = [], number }: Call): Answer => {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, number, true)
  data.setUint32(4, architecture, true)
  args.forEach((value, index) => data.setBigUint64(16 + 8 * index, value, true))
  let accumulator = 0
  for (let at = 0; at < view.byteLength / 8; at++) {
    const [code, yes, no, value] = [
      view.getUint16(8 * at, true),
      view.getUint8(8 * at + 2),
      view.getUint8(8 * at + 3),
      view.getUint32(8 * at + 4, true)
    ]
    if (code === 0x20) accumulator = data.getUint32(value, true)
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0
    else if (code === 0x15) at += accumulator === value ? yes : no
    else if (code === 0x35) at += accumulator >= value ? yes : no
    else {
      assert.strictEqual(code, 0x06)
      const answers = new Map<number, Answer>([
        [0x7fff0000, "allow"],
        [0x00050001, "refuse"],
        [0x00050026, "missing"],
        [0x80000000, "kill"]
      ])
      return answers.get(value) ?? assert.fail(`an unknown answer: ${value}`)
    }
  }
  return assert.fail("the filter has no end")
}

const numbers = {
  read: { x64: 0, arm64: 63 },
  ioctl: { x64: 16, arm64: 29 },
  socket: { x64: 41, arm64: 198 },
  connect: { x64: 42, arm64: 203 },
  sendto: { x64: 44, arm64: 206 },
  socketpair: { x64: 53, arm64: 199 },
  ptrace: { x64: 101, arm64: 117 },
  io_uring_setup: { x64: 425, arm64: 425 },
  fchmodat2: { x64: 452, arm64: 452 },
  fchmod: { x64: 91, arm64: 52 }
} as const

const cases: ReadonlyArray<
  readonly [name: string, call: keyof typeof numbers, args: ReadonlyArray<bigint>, off: string, on: string]
> = [
  ["reading", "read", [], "allow", "allow"],
  ["an internet socket", "socket", [2n, 1n, 0n], "refuse", "allow"],
  ["a Unix socket", "socket", [1n, 1n, 0n], "refuse", "allow"],
  ["a raw packet socket", "socket", [17n, 3n, 0n], "refuse", "refuse"],
  ["a socket of the virtual machine's host", "socket", [40n, 1n, 0n], "refuse", "refuse"],
  ["a connection", "connect", [3n], "refuse", "allow"],
  ["a pair of streams", "socketpair", [1n, 1n, 0n], "allow", "allow"],
  ["a pair of streams with flags", "socketpair", [1n, 0x80801n, 0n], "allow", "allow"],
  ["a pair of datagram sockets", "socketpair", [1n, 2n, 0n], "refuse", "allow"],
  ["a pair of datagram sockets with flags", "socketpair", [1n, 0x80802n, 0n], "refuse", "allow"],
  ["a pair of another family", "socketpair", [30n, 1n, 0n], "refuse", "allow"],
  ["sending to the peer", "sendto", [3n, 1n, 1n, 0n, 0n, 0n], "allow", "allow"],
  ["sending to an address", "sendto", [3n, 1n, 1n, 0n, 0x7fff_0000_0000n, 16n], "refuse", "allow"],
  ["sending to an address in the low half", "sendto", [3n, 1n, 1n, 0n, 0x1000n, 16n], "refuse", "allow"],
  ["io_uring", "io_uring_setup", [], "refuse", "refuse"],
  ["typing into a terminal", "ioctl", [0n, 0x5412n], "refuse", "refuse"],
  ["typing into a terminal, with high bits", "ioctl", [0n, 0x1_0000_5412n], "refuse", "refuse"],
  ["the size of a terminal", "ioctl", [0n, 0x5413n], "allow", "allow"],
  ["a newer call for modes", "fchmodat2", [], "missing", "missing"],
  ["a mode, where something else protects it", "fchmod", [], "allow", "allow"],
  ["tracing, where processes are seen", "ptrace", [], "refuse", "refuse"]
]

for (const architecture of ["x64", "arm64"] as const) {
  const of = (network: boolean) => filter({ architecture, network, processes: true })
  describe(`the filter of system calls for ${architecture}`, () => {
    it.each(cases)("decides about %s", (_, call, args, off, on) => {
      const asked = { architecture: architectures[architecture], number: numbers[call][architecture], args }
      assert.deepStrictEqual([judged(of(false), asked), judged(of(true), asked)], [off, on])
    })

    it.prop(
      "never permits more without the network than with it, and ends processes of another architecture",
      [
        Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 600 })),
        Schema.Array(Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 0xffff_ffff_ffff_ffffn }))),
        Schema.Boolean
      ],
      ([number, all, processes]) => {
        const args = all.slice(0, 6)
        const options: Omit<Options, "network"> = { architecture, processes }
        const call = { architecture: architectures[architecture], number, args }
        const off = judged(filter({ ...options, network: false }), call)
        const on = judged(filter({ ...options, network: true }), call)
        assert.isTrue(off === on || off === "refuse")
        const other = { ...call, architecture: 0x40000003 }
        assert.strictEqual(judged(filter({ ...options, network: true }), other), "kill")
      }
    )
  })
}

describe("the filter of system calls for x64", () => {
  it("refuses to change attributes where nothing else protects them", () => {
    const program = filter({ architecture: "x64", network: true, processes: false, attributes: true })
    const changes = [90, 91, 92, 93, 94, 132, 188, 189, 190, 197, 198, 199, 235, 260, 261, 268, 280]
    assert.deepStrictEqual(
      changes.map((number) => judged(program, { architecture: architectures.x64, number })),
      changes.map(() => "refuse")
    )
  })

  it("does not know the second set of numbers", () => {
    const program = filter({ architecture: "x64", network: true, processes: false })
    assert.strictEqual(judged(program, { architecture: architectures.x64, number: 0x40000000 + 41 }), "missing")
  })
})
