/**
 * The reviewed differences: in which ways this server is stricter than the released one, and why.
 *
 * A difference of another kind fails the comparison, so that no unreviewed difference is added.
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

/** A difference is of the first matching kind. */
export const kinds: ReadonlyArray<Kind> = [
  {
    name: "user-defined permission profiles",
    reason: "this server has only the built-in profiles, and refuses others",
    holds: ({ own }) => /unknown permission profile|permission profile .* does not support/.test(own.error ?? "")
  },
  {
    name: "a disabled tool",
    reason: "the only tool for commands belongs to the feature; the release falls back to another",
    holds: named(/^arguments: features\.unified_exec off$/)
  },
  {
    name: "a line that is not understood, without a sandbox",
    reason:
      "the release runs it without approval when the policy has no sandbox; in a sandbox it runs on both servers without approval",
    holds: (compared, what) =>
      /, danger-full-access, without a rule: /.test(compared.case.name) && what.startsWith("asked, not ")
  },
  {
    name: "a forbidden command in another form",
    reason:
      "the release applies rules only to command lines of plain words, and allows all others; here a forbidding rule applies to every command in the line, a line that is not understood needs approval, and one that cannot be parsed is refused when it contains the program's name",
    holds: named(
      /^a forbidden command: /,
      /^a command that asks: /,
      /^rules by words: env is allowed, touch is forbidden$/
    )
  },
  {
    name: "an allowed command in another form",
    reason:
      "a rule that allows a bare name does not allow a path, unless host_executable lists it; no rule allows a script with a control character, or any script of a shell",
    holds: named(
      /^an allowed command, \w+: (by path|by another path|a carriage return|a form feed)$/,
      /^rules by words: the outer shell is allowed, a script$/,
      /^host_executable: /
    )
  },
  {
    name: "a destructive command",
    reason: "this server recognises more spellings, and a rule that allows the command's name does not allow it",
    holds: named(/^(on request|never): rm /, /: an allowed destroyer$/)
  },
  {
    name: "rules that cannot be read",
    reason:
      "the release ignores a rule file that it cannot read; here every command needs approval until the file is fixed",
    holds: named(/^rules: /, /^rules in (a broken|a good|a folder with the name)/, /: broken rules$/)
  },
  {
    name: "a NUL",
    reason: "no program can receive one as an argument, so it is refused before the approval request",
    holds: named(/: a NUL( before it)?$/)
  },
  {
    name: "a required profile",
    reason:
      "the release checks a turn against the allowed profiles when the turn names permissions; this server also checks a turn's sandbox policy",
    holds: named(/^a profile is demanded, asked for by (the turn, (a policy|an external)|an earlier turn)/)
  },
  {
    name: "secrets",
    reason:
      "names with KEY, SECRET or TOKEN are withheld unless the user includes them; the keys of models are always withheld",
    holds: (_, what) => /^the command does not see \w*(KEY|SECRET|TOKEN)\w*$/i.test(what)
  },
  {
    name: "the release's own PATH entries",
    reason: "the release adds folders of its own programs to PATH, even when nothing is inherited",
    holds: (_, what) => what === "the command does not see PATH"
  },
  {
    name: "projects without a trust decision",
    reason: "the release trusts a project automatically when a thread may write in it; here the user decides",
    holds: named(/^a project that is unknown: (allows|sets variables)/)
  },
  {
    name: "variables of a login shell",
    reason: "the release passes the server's own locale and terminal to a login shell; this server replaces them",
    holds: ({ case: { name } }, what) => /a login shell|the shell unsaid/.test(name) && /see (LANG|TERM)$/.test(what)
  }
]

export const kindOf = (compared: Compared, what: string): Kind | undefined =>
  kinds.find(({ holds }) => holds(compared, what))
