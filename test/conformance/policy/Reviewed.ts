/**
 * In what this server is stricter than the released one, and why: the differences that somebody has looked at.
 *
 * A difference of another kind fails the comparison, so that the list does not grow unnoticed.
 *
 * @module
 */
import type { Compared } from "./Compare.ts"

export interface Kind {
  readonly name: string
  readonly reason: string
  readonly holds: (compared: Compared, what: string) => boolean
}

const named =
  (...patterns: ReadonlyArray<RegExp>) =>
  ({ case: { name } }: Compared): boolean =>
    patterns.some((pattern) => pattern.test(name))

/** The release ran it in a sandbox. */
const wasConfined = ({ own, released }: Compared): boolean =>
  released.verdict === "confined" && (own.verdict === "asked" || own.verdict === "refused")

/** The sandbox of the thread is one that this server does not have. */
const needsSandbox = ({ own }: Compared): boolean =>
  (own.settings?.sandbox as { readonly type?: string } | undefined)?.type !== "dangerFullAccess"

/** The first kind that holds names a difference. */
export const kinds: ReadonlyArray<Kind> = [
  {
    name: "thread/fork",
    reason: "not served yet, and said so",
    holds: ({ own }) => own.error === "thread/fork is not supported yet"
  },
  {
    name: "permissions of the user's own",
    reason: "this server knows the profiles that are built in, and refuses others",
    holds: ({ own }) => own.error?.includes("unknown permission profile") === true
  },
  {
    name: "no terminal",
    reason: "a command that wants a terminal is refused: this server has none to give",
    holds: named(/: (no policy, )?a terminal/)
  },
  {
    name: "a tool that is switched off",
    reason: "the only tool for commands belongs to the feature; the release falls back to another",
    holds: named(/^arguments: features\.unified_exec off$/)
  },
  {
    name: "no sandbox",
    reason:
      "what the release runs in a sandbox is asked about here, or refused where nobody is asked: this server confines nothing",
    holds: (compared) => wasConfined(compared) && needsSandbox(compared)
  },
  {
    name: "a sandbox that lets everything be written",
    reason: "the sandbox is the release's all the same, and this server has none",
    holds: named(/a workspace with the root$/, /a policy of a workspace$/)
  },
  {
    name: "a forbidden command in other clothes",
    reason:
      "the release applies rules to command lines of plain words only, and lets the others pass; here a rule that forbids is applied to every command that is found, what is not understood asks, and what cannot be read is refused where it has the program's name",
    holds: named(
      /^a forbidden command: /,
      /^a command that asks: /,
      /^rules by words: env is allowed, touch is forbidden$/
    )
  },
  {
    name: "an allowed command in other clothes",
    reason:
      "a rule that allows a bare name does not allow a path, unless host_executable names it; and none allows a script with a control character, or any script of a shell",
    holds: named(
      /^an allowed command, \w+: (by path|by another path|a carriage return|a form feed)$/,
      /^rules by words: the outer shell is allowed, a script$/,
      /^host_executable: /
    )
  },
  {
    name: "a command that destroys",
    reason: "more spellings are recognised, and a rule that allows its name does not allow it",
    holds: named(/^(on request|never): rm /, /: an allowed destroyer$/)
  },
  {
    name: "rules that cannot be read",
    reason:
      "the release drops a file of rules that it cannot read and runs on; here nothing runs unasked until it is repaired",
    holds: named(/^rules: /, /^rules in (a broken|a good|a folder with the name)/, /: broken rules$/)
  },
  {
    name: "a NUL",
    reason: "no program can be given one: refused before somebody is asked",
    holds: named(/: a NUL( before it)?$/)
  },
  {
    name: "a demanded profile",
    reason:
      "the release holds a turn to the profiles that are allowed where the turn names permissions; here a sandbox policy of the turn is held to them, too",
    holds: named(/^a profile is demanded, asked for by (the turn, (a policy|an external)|an earlier turn)/)
  },
  {
    name: "secrets",
    reason:
      "names with KEY, SECRET or TOKEN are kept back unless the user asks for them, and the keys of models always",
    holds: (_, what) => /^the command does not see \w*(KEY|SECRET|TOKEN)\w*$/i.test(what)
  },
  {
    name: "a path of the release's own",
    reason: "the release adds folders of its own programs to PATH, also where nothing is inherited",
    holds: (_, what) => what === "the command does not see PATH"
  },
  {
    name: "projects that nobody trusts",
    reason: "the release trusts a project of itself when a thread may write in it; here the user decides",
    holds: named(/^a project that is unknown: (allows|sets variables)/)
  },
  {
    name: "variables of a login shell",
    reason: "the release gives a login shell the server's own locale and terminal again, which this server replaces",
    holds: ({ case: { name } }, what) => /a login shell|the shell unsaid/.test(name) && /see (LANG|TERM)$/.test(what)
  }
]

export const kindOf = (compared: Compared, what: string): Kind | undefined =>
  kinds.find(({ holds }) => holds(compared, what))
