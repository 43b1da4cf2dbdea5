/**
 * What a sandbox adds to a command, from the decision to its end: `true` under `workspace-write`, less the time of the same
 * command without a sandbox. No server is involved.
 */
import { spawn } from "node:child_process"
import { performance } from "node:perf_hooks"
import process from "node:process"
import * as Effect from "effect/Effect"
import { PlatformSandbox, type Protocol, Sandbox } from "spindle-app-server"
import { type Figure, isMissing, type Result } from "../figure.ts"
import { type Contestant, takeTurns } from "../sample.ts"
import { folders, type World } from "../world.ts"

type Command = Sandbox.SandboxedCommand

const policy: Protocol.SandboxPolicy = {
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: false,
  excludeSlashTmp: false
}

/** The target of the overhead, in milliseconds. */
const target = { _tag: "Figure", limit: 12 } as const

const ended = ({ args, cwd, env, executable }: Command): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(executable, args, { cwd, env, stdio: "ignore" })
    child.once("error", reject).once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))))
  })

const timed = async (run: () => Promise<void>): Promise<number> => {
  const from = performance.now()
  await run()
  return performance.now() - from
}

/** The time beyond that of the plain command. */
const beyond =
  (plain: Command, run: () => Promise<void>): Contestant =>
  async () => {
    const without = await timed(() => ended(plain))
    return (await timed(run)) - without
  }

/** A sandbox of this machine, or why it cannot be measured. */
const own = Effect.fnUntraced(function* (name: PlatformSandbox.Name, plain: Command) {
  const sandbox = yield* Sandbox.Sandbox
  const { findings, used } = yield* sandbox.report
  if (used !== name) return { missing: findings[0]?.detail ?? "it does not work here" }
  const run = Effect.gen(function* () {
    const command = yield* sandbox.confine(plain, policy, plain.cwd)
    yield* command.held ?? Effect.void
    yield* Effect.promise(() => ended(command))
  })
  return beyond(plain, () => Effect.runPromise(Effect.orDie(Effect.scoped(run))))
})

export const sandbox = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const { home, temporary } = await folders(world)
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, CODEX_HOME: home, TMPDIR: temporary }
  const plain: Command = { executable: "/bin/true", args: [], cwd: world.work, env }
  const { codex } = world
  const args = ["sandbox", "-c", 'sandbox_mode="workspace-write"', "--", "/bin/true"]
  const released = isMissing(codex) ? codex : beyond(plain, () => ended({ ...plain, executable: codex.binary, args }))
  const measure = (name: PlatformSandbox.Name) =>
    Effect.flatMap(own(name, plain), (contestant) => Effect.promise(() => versus(world, contestant, released))).pipe(
      Effect.provide(PlatformSandbox.layer({ environment: env, names: [name] })),
      Effect.map(({ codex, ours }): Figure => {
        const what = `${name}: added to a command, p50`
        return { name: `sandbox-${name}`, what, unit: "ms", ours, peers: new Map([["codex", codex]]), target }
      }),
      Effect.runPromise
    )
  return [await measure("bubblewrap"), await measure("landlock")]
}

/** Both in alternation. */
const versus = async (
  world: World,
  ours: Contestant | { readonly missing: string },
  codex: Contestant | { readonly missing: string }
): Promise<{ readonly ours: Result; readonly codex: Result }> => {
  const contestants = Object.entries({ ours, codex }).flatMap(([name, one]) =>
    typeof one === "function" ? [[name, one] as const] : []
  )
  const samples = await takeTurns(world.quick ? 10 : 60, new Map(contestants))
  const resultOf = (name: string, one: Contestant | { readonly missing: string }): Result =>
    typeof one === "function" ? (samples.get(name) ?? { missing: "not measured" }) : one
  return { ours: resultOf("ours", ours), codex: resultOf("codex", codex) }
}
