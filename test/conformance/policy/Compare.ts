/**
 * Compares the outcome of a case on this server with that on the released server.
 *
 * @module
 */
import type { Case } from "./Case.ts"
import type { Outcome, Settings } from "./Run.ts"
import { freedom, type Verdict, verdictOf } from "./Verdict.ts"

/** A case and both outcomes. */
export interface Compared {
  readonly case: Case
  readonly released: Outcome & { readonly verdict: Verdict }
  readonly own: Outcome & { readonly verdict: Verdict }
}

export const compared = (one: Case, released: Outcome, own: Outcome): Compared => {
  const accepted = one.steps.at(-1)?.decision !== undefined && one.steps.at(-1)?.decision !== "decline"
  const judged = (outcome: Outcome) => ({ ...outcome, verdict: verdictOf(outcome, accepted) })
  return { case: one, released: judged(released), own: judged(own) }
}

interface Sandbox {
  readonly type?: string
  readonly networkAccess?: unknown
  readonly writableRoots?: ReadonlyArray<string>
}

const sandboxes = ["readOnly", "workspaceWrite", "externalSandbox", "dangerFullAccess"]

/** `granular` prompts, or refuses what it does not prompt for. */
const policies = ["untrusted", "granular", "on-request", "never"]

const policyOf = ({ approvalPolicy }: Settings): string =>
  typeof approvalPolicy === "string" ? approvalPolicy : "granular"

const isOpen = (access: unknown): boolean => access === true || access === "enabled"

const last = (path: string): string => path.replace(/^.*spindle-matrix\/run-[^/]+/, "")

/** What the settings of one thread allow in addition to those of the other. */
const beyond = (own: Settings, released: Settings): ReadonlyArray<string> => {
  const [here, there] = [own.sandbox as Sandbox, released.sandbox as Sandbox]
  const rank = ({ type = "" }: Sandbox) => sandboxes.indexOf(type)
  const roots = new Set((there.writableRoots ?? []).map(last))
  return [
    ...(rank(here) > rank(there) ? [`the sandbox is ${here.type}, not ${there.type}`] : []),
    ...(rank(here) === rank(there) && isOpen(here.networkAccess) && !isOpen(there.networkAccess)
      ? ["the network"]
      : []),
    ...(rank(here) === rank(there) ? (here.writableRoots ?? []).filter((root) => !roots.has(last(root))) : []),
    ...(policies.indexOf(policyOf(own)) > policies.indexOf(policyOf(released))
      ? [`approvals are ${policyOf(own)}, not ${policyOf(released)}`]
      : [])
  ]
}

/** The release reports no item for some commands, but the model still receives their output. */
const environmentOf = ({ item, toolOutput }: Outcome): ReadonlyMap<string, string> =>
  new Map(
    (item?.output ?? toolOutput ?? "").split(/\r?\n/).flatMap((line) => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? []
      return name === undefined || value === undefined ? [] : [[name, value] as const]
    })
  )

/** The watched variables that one command saw and the other did not, or saw with a withheld value. */
const seenBeyond = (names: ReadonlyArray<string>, here: Outcome, there: Outcome): ReadonlyArray<string> => {
  const [own, other] = [environmentOf(here), environmentOf(there)]
  return names.filter((name) => {
    const value = own.get(name)
    if (value === undefined) return false
    return !other.has(name) || (value.startsWith("canary-") && other.get(name) !== value)
  })
}

/** How this server is less strict than the released one; empty when it is not. */
export const looser = ({ case: { secrets }, own, released }: Compared): ReadonlyArray<string> => {
  const more = freedom(own.verdict) > freedom(released.verdict) ? [`${own.verdict}, not ${released.verdict}`] : []
  if (own.settings === undefined) return more
  if (released.settings === undefined || (released.error !== undefined && own.error === undefined)) {
    return [...more, `accepted, not refused with: ${released.error}`]
  }
  const ran = own.verdict === "confined" || own.verdict === "free"
  const leaked = secrets === undefined || !ran ? [] : seenBeyond(secrets, own, released)
  return [...more, ...beyond(own.settings, released.settings), ...leaked.map((name) => `the command sees ${name}`)]
}

const failed = ({ turn }: Outcome): boolean => turn?.startsWith("failed") === true

/** A turn that fails only here is not strictness: it is never reviewed. */
export const fault = ({ own, released }: Compared): string | undefined =>
  failed(own) && !failed(released) ? `the turn ${own.turn}` : undefined

/** How this server is stricter. */
export const stricter = ({ case: { secrets }, own, released }: Compared): ReadonlyArray<string> => {
  const less = freedom(own.verdict) < freedom(released.verdict) ? [`${own.verdict}, not ${released.verdict}`] : []
  if (own.error !== undefined && released.error === undefined) return [...less, `refused with: ${own.error}`]
  if (own.settings === undefined || released.settings === undefined) return less
  const ran = own.verdict === "confined" || own.verdict === "free"
  const kept = secrets === undefined || !ran ? [] : seenBeyond(secrets, released, own)
  return [
    ...less,
    ...beyond(released.settings, own.settings).map((what) => `settings: ${what} in the release`),
    ...kept.map((name) => `the command does not see ${name}`)
  ]
}
