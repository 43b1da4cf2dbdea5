/**
 * Parses the arguments of the shell tools. Errors are reported to the model with the release's texts.
 *
 * @module
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { I32, optional, U64 } from "../../../protocol/Fields.ts"
import { lazy, type Of } from "../../../protocol/Lazy.ts"
import { read } from "../Arguments.ts"

export const ExecCommandArguments = lazy(() =>
  Schema.Struct({
    cmd: Schema.String,
    workdir: optional(Schema.String),
    shell: optional(Schema.String),
    login: optional(Schema.Boolean),
    tty: optional(Schema.Boolean),
    yield_time_ms: optional(U64),
    max_output_tokens: optional(U64),
    sandbox_permissions: optional(Schema.Literals(["use_default", "require_escalated", "with_additional_permissions"])),
    justification: optional(Schema.String),
    prefix_rule: optional(Schema.Array(Schema.String))
  })
)
export type ExecCommandArguments = Of<typeof ExecCommandArguments>

export const WriteStdinArguments = lazy(() =>
  Schema.Struct({
    session_id: I32,
    chars: optional(Schema.String),
    yield_time_ms: optional(U64),
    max_output_tokens: optional(U64)
  })
)
export type WriteStdinArguments = Of<typeof WriteStdinArguments>

/** The arguments of exec_command, or their error. */
export const readExecCommand = (input: string): Result.Result<ExecCommandArguments, string> =>
  Result.flatMap(read(ExecCommandArguments, input), (args) => {
    const permissions = args.sandbox_permissions ?? null
    if (permissions === null && (args.justification ?? null) !== null) {
      return Result.fail(
        '`justification` requires an explicit `sandbox_permissions`; use `sandbox_permissions: "require_escalated"` ' +
          "for unsandboxed execution, or omit `justification`."
      )
    }
    if (permissions === "with_additional_permissions") {
      return Result.fail(
        "additional permissions are disabled; enable `features.exec_permission_approvals` before using " +
          "`with_additional_permissions`"
      )
    }
    return Result.succeed(args)
  })

/** The arguments of write_stdin, or their error. */
export const readWriteStdin = (input: string): Result.Result<WriteStdinArguments, string> =>
  read(WriteStdinArguments, input)
