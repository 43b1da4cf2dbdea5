/**
 * `spindle config init`: a commented `config.toml` in the home folder.
 *
 * Owns the file's first text. An existing file is never changed.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { UsageError } from "./Usage.ts"

/** Every line is a comment, so that the file changes nothing until the user edits it. */
const sample = `# Settings of Spindle. The keys are those of Codex. Every line is commented out: remove the # of a line to apply it.

# The model, and the provider that serves it.
# model = "gpt-6.1-sol"
# model_provider = "openai"            # "ollama", "lmstudio", "offline", or one defined below
# model_reasoning_effort = "medium"

# When commands need approval: "untrusted", "on-request" or "never".
# approval_policy = "on-request"

# What commands may write: "read-only", "workspace-write" or "danger-full-access".
# sandbox_mode = "read-only"

# A model server with the Responses API (POST <base_url>/responses).
# [model_providers.local]
# name = "A server on this machine"
# base_url = "http://127.0.0.1:8000/v1"
# env_key = "LOCAL_API_KEY"            # the environment variable with its key; omit it for a server without keys
# request_max_retries = 4
# stream_max_retries = 5
# stream_idle_timeout_ms = 300000

# The environment of commands. Variables with KEY, SECRET or TOKEN in their names are left out by default.
# [shell_environment_policy]
# inherit = "all"                      # "core" or "none"
# exclude = ["AWS_*"]
`

/** Writes the file and returns its path. Fails when it exists or cannot be written. */
export const run = Effect.fnUntraced(function* (home: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(home, "config.toml")
  const refuse = (error: { readonly message: string }) =>
    new UsageError({ message: `${file} cannot be written: ${error.message}` })
  yield* Effect.mapError(fileSystem.makeDirectory(home, { recursive: true, mode: 0o700 }), refuse)
  yield* fileSystem
    .writeFileString(file, sample, { flag: "wx", mode: 0o600 })
    .pipe(
      Effect.mapError((error) =>
        error.reason._tag === "AlreadyExists"
          ? new UsageError({ message: `${file} exists already; it is left as it is` })
          : refuse(error)
      )
    )
  return file
})
