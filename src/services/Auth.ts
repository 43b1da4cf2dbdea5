/**
 * Who pays: the credential for model servers.
 *
 * Owns where an API key comes from (environment or `auth.json`) and the account that clients are told of. Does not own
 * the transport's own authentication.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { GetAccountResponse } from "../protocol/Account.ts"

export class Auth extends Context.Service<
  Auth,
  {
    /** The API key of the default account; none when nobody is logged in. */
    readonly apiKey: Effect.Effect<Option.Option<Redacted.Redacted>>
    /** The value of the environment variable that a provider names in `env_key`. */
    readonly environmentKey: (variable: string) => Effect.Effect<Option.Option<Redacted.Redacted>>
    /** What `account/read` answers for the configured provider. */
    readonly account: (requiresOpenaiAuth: boolean) => Effect.Effect<GetAccountResponse>
  }
>()("spindle/Auth") {}
