/**
 * The sources of requirements: the cloud, the machine's `requirements.toml`, and the settings of the managed `config.toml`,
 * in this order.
 *
 * @module
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { SmallFiles } from "./SmallFiles.ts"
import { ConfigError, position, unreadable } from "./ConfigError.ts"
import * as Document from "./Document.ts"
import * as FileCache from "./FileCache.ts"
import type { Content } from "./ConfigLayer.ts"
import type { Managed } from "./Layers.ts"
import { combine, fromManaged, type Requirements, type Source } from "./Requirements.ts"
import { tableFromUnknown } from "./Table.ts"

/** Keys as in `requirements.toml`; null when the organisation has no requirements. */
export type CloudRequirements = Effect.Effect<Readonly<Record<string, unknown>> | null, ConfigError>

export interface RequirementSources {
  /**
   * The current requirements. The cloud's are fetched on first use and kept; after a failure they are fetched again. Without
   * `cloud`, only the machine's requirements are read.
   */
  readonly load: (
    managed: Managed | undefined,
    options: { readonly cloud: boolean }
  ) => Effect.Effect<Requirements, ConfigError>
}

const cloudOrigin = "cloud requirements"

type Parsed = Result.Result<Source, ConfigError>

const parse = (source: string, file: string): Parsed =>
  Result.mapBoth(Document.parse(source), {
    onSuccess: (table) => ({ origin: file, table }),
    onFailure: ({ detail, range }) =>
      new ConfigError({ reason: "syntax", location: position(file, range), detail, file, range })
  })

export const make = Effect.fnUntraced(function* (options: {
  readonly file: string
  readonly cloud: CloudRequirements
}): Effect.fn.Return<RequirementSources, never, SmallFiles> {
  const files = yield* FileCache.make(parse, { maxBytes: Document.MaxBytes, namedBy: "server" })
  const source = Effect.map(options.cloud, (table): Source | undefined =>
    table === null ? undefined : { origin: cloudOrigin, table: tableFromUnknown(table) }
  )
  const [remembered, forget] = yield* Effect.cachedInvalidateWithTTL(source, Duration.infinity)
  const cloud = Effect.onError(remembered, () => forget)

  /** The last combination and its inputs. */
  let last:
    | {
        readonly cloud: Source | undefined
        readonly machine: Parsed | undefined
        readonly managed: Content | undefined
        readonly requirements: Requirements
      }
    | undefined

  const load: RequirementSources["load"] = Effect.fnUntraced(function* (managed, { cloud: withCloud }) {
    const machine = (yield* Effect.mapError(files.read(options.file), unreadable("requirements file", options.file)))
      ?.value
    const cloudSource = withCloud ? yield* cloud : undefined
    if (
      last !== undefined &&
      last.machine === machine &&
      last.managed === managed?.content &&
      last.cloud === cloudSource
    ) {
      return last.requirements
    }
    const machineSource = machine === undefined ? undefined : yield* Effect.fromResult(machine)
    const requirements = yield* Effect.mapError(
      Effect.fromResult(
        combine([
          ...(cloudSource === undefined ? [] : [cloudSource]),
          ...(machineSource === undefined ? [] : [machineSource]),
          ...(managed === undefined ? [] : [fromManaged(managed.file, managed.content.table)])
        ])
      ),
      (detail) => new ConfigError({ reason: "requirements", location: "", detail })
    )
    last = { cloud: cloudSource, machine, managed: managed?.content, requirements }
    return requirements
  })

  return { load }
})
