/**
 * The flags of `spindle exec`, and their conversion to a task and settings.
 *
 * @module
 */
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import type { AskForApproval, SandboxMode } from "../../protocol/v2/thread/Settings.ts"
import type { AppServerOptions } from "../../layers/AppServer.ts"
import { UsageError } from "./Usage.ts"

/** A flag without a value. */
export const switchFlag = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

const repeated = (name: string, metavar: string, description: string) =>
  Flag.Path(name, { mustExist: true }).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(`${description}. May be repeated`),
    Flag.atLeast(0)
  )

/** A flag of the release that is not implemented. It is known so that the error can say so. */
const unsupported = (name: string) => switchFlag(name, "Not supported").pipe(Flag.withHidden)

const feature = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("FEATURE"),
    Flag.withDescription(`${description}. May be repeated`),
    Flag.atLeast(0)
  )

export const flags = {
  model: Flag.String("model").pipe(Flag.withAlias("m"), Flag.withDescription("Model to use"), Flag.optional),
  profile: Flag.String("profile").pipe(
    Flag.withAlias("p"),
    Flag.withMetavar("NAME"),
    Flag.withDescription("Layer NAME.config.toml of the home folder on top of config.toml"),
    Flag.optional
  ),
  sandbox: Flag.Literals("sandbox", ["read-only", "workspace-write", "danger-full-access"]).pipe(
    Flag.withAlias("s"),
    Flag.withMetavar("MODE"),
    Flag.withDescription("Sandbox policy for commands"),
    Flag.optional
  ),
  approval: Flag.Literals("ask-for-approval", ["untrusted", "on-request", "never"]).pipe(
    Flag.withAlias("a"),
    Flag.withMetavar("POLICY"),
    Flag.withDescription("When commands need your approval"),
    Flag.optional
  ),
  fullAuto: switchFlag("full-auto", "The same as --sandbox workspace-write --ask-for-approval on-request"),
  bypass: switchFlag(
    "dangerously-bypass-approvals-and-sandbox",
    "Run every command, without approval and without a sandbox. Only for machines that are isolated by other means"
  ).pipe(Flag.withAlias("yolo")),
  oss: switchFlag("oss", "Use a model server of this machine: oss_provider of config.toml, else ollama"),
  localProvider: Flag.Literals("local-provider", ["ollama", "lmstudio"]).pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("The model server that --oss uses"),
    Flag.optional
  ),
  enable: feature("enable", "Enable a feature; the same as -c features.FEATURE=true"),
  disable: feature("disable", "Disable a feature; the same as -c features.FEATURE=false"),
  cd: Flag.Directory("cd", { mustExist: true }).pipe(
    Flag.withAlias("C"),
    Flag.withMetavar("DIR"),
    Flag.withDescription("Working folder"),
    Flag.optional
  ),
  addDir: repeated("add-dir", "DIR", "Additional writable folder, with --sandbox workspace-write"),
  image: Flag.String("image").pipe(
    Flag.withAlias("i"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("Image to send to the model; commas separate several. May be repeated"),
    Flag.atLeast(0)
  ),
  outputSchema: Flag.String("output-schema").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("File with a JSON Schema for the final answer"),
    Flag.optional
  ),
  outputLastMessage: Flag.String("output-last-message").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("File that the last message of the agent is written to"),
    Flag.optional
  ),
  json: switchFlag("json", "Print events to stdout as JSON, one per line, instead of text").pipe(
    Flag.withAlias("experimental-json")
  ),
  color: Flag.Literals("color", ["auto", "always", "never"]).pipe(
    Flag.withMetavar("WHEN"),
    Flag.withDescription("Colours: auto, always or never"),
    Flag.withDefault("auto" as const)
  ),
  ephemeral: switchFlag("ephemeral", "Keep the thread in memory only"),
  threadSource: Flag.String("thread-source").pipe(
    Flag.withMetavar("WORD"),
    Flag.withDescription("Source of the thread; stored with it"),
    Flag.optional
  ),
  skipGitRepoCheck: switchFlag("skip-git-repo-check", "Accepted for compatibility: Spindle runs in any folder"),
  approveForMe: unsupported("approve-for-me"),
  hookTrust: unsupported("dangerously-bypass-hook-trust"),
  ignoreRules: unsupported("ignore-rules"),
  ignoreUserConfig: unsupported("ignore-user-config"),
  strictConfig: unsupported("strict-config"),
  trust: unsupported("trust"),
  worktree: unsupported("worktree"),
  cyberAccessProgram: Flag.ChoiceWithValue("cyber-access-program", [
    ["standard", "standard"],
    ["daybreak_blue", "daybreakBlue"],
    ["daybreak_red", "daybreakRed"]
  ]).pipe(Flag.withHidden, Flag.optional)
}

export type Flags = Command.Command.Config.Infer<typeof flags>

/** The sandbox and the approvals of a run; null leaves a choice to the configuration. */
export interface Permissions {
  readonly sandbox: SandboxMode | null
  readonly approval: Extract<AskForApproval, string> | null
}

/** `--full-auto` and the bypass set both, so that no other flag may say something else. */
export const permissionsOf = (flags: Flags): Permissions | UsageError => {
  const sandbox = Option.getOrNull(flags.sandbox)
  const approval = Option.getOrNull(flags.approval)
  const named: ReadonlyArray<readonly [boolean, string]> = [
    [flags.bypass, "--dangerously-bypass-approvals-and-sandbox"],
    [flags.fullAuto, "--full-auto"],
    [sandbox !== null, "--sandbox"],
    [approval !== null, "--ask-for-approval"]
  ]
  const given = named.filter(([isGiven]) => isGiven).map(([, name]) => name)
  if ((flags.bypass || flags.fullAuto) && given.length > 1) {
    return new UsageError({ message: `${given[0]} cannot be used with ${given[1]}` })
  }
  if (flags.bypass) return { sandbox: "danger-full-access", approval: "never" }
  return flags.fullAuto ? { sandbox: "workspace-write", approval: "on-request" } : { sandbox, approval }
}

const unsupportedFlags = {
  approveForMe: ["--approve-for-me", "approve commands yourself on a terminal, or write rules"],
  hookTrust: ["--dangerously-bypass-hook-trust", "there are no hooks; omit it"],
  ignoreRules: ["--ignore-rules", "remove or rename the rules instead"],
  ignoreUserConfig: ["--ignore-user-config", "set SPINDLE_HOME to another folder"],
  strictConfig: ["--strict-config", "spindle doctor lists settings that are not used"],
  trust: ["--trust", 'set trust_level of [projects."<folder>"] in config.toml'],
  worktree: ["--worktree", "create one with git worktree, and pass it with --cd"]
} as const

/** Fails for a flag of the release that is not implemented, instead of running without it. */
export const checkSupported = (flags: Flags): UsageError | null => {
  const given = Object.entries(unsupportedFlags).find(([name]) => Reflect.get(flags, name) === true)
  if (given === undefined) return null
  const [, [flag, instead]] = given
  return new UsageError({ message: `${flag} is not supported: ${instead}` })
}

/** A profile is a plain name: it becomes part of a file's name. */
const profileName = /^[A-Za-z0-9_-]+$/

const featureName = /^[A-Za-z0-9_.-]+$/

type Override = readonly [key: string, value: unknown]

/** The settings of the flags, in order. */
export const settingsOf = (flags: Flags): ReadonlyArray<Override> | UsageError => {
  const wrong = [...flags.enable, ...flags.disable].find((name) => !featureName.test(name))
  if (wrong !== undefined)
    return new UsageError({ message: "the name of a feature has letters, digits, `_`, `-` and `.` only" })
  const both = flags.enable.find((name) => flags.disable.includes(name))
  if (both !== undefined) return new UsageError({ message: `feature \`${both}\` is both enabled and disabled` })
  if (Option.isSome(flags.localProvider) && !flags.oss) {
    return new UsageError({ message: "--local-provider needs --oss" })
  }
  return [
    ...flags.enable.map((name): Override => [`features.${name}`, true]),
    ...flags.disable.map((name): Override => [`features.${name}`, false])
  ]
}

/** The server options of the flags, besides settings. */
export const serverOptionsOf = (flags: Flags): Pick<AppServerOptions, "profile"> | UsageError => {
  const profile = Option.getOrUndefined(flags.profile)
  if (profile === undefined) return {}
  return profileName.test(profile)
    ? { profile }
    : new UsageError({ message: "--profile is a plain name such as `work`: letters, digits, `_` and `-`" })
}
