/**
 * Handlers of skills. The search is loaded with the first request.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { ConfigEdit } from "../../protocol/v2/config/ConfigWrite.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { Config } from "../../services/config/Config.ts"
import { FileReplacement } from "../../services/config/FileReplacement.ts"
import { ServerInfo } from "../../services/config/ServerInfo.ts"
import type { SmallFiles } from "../../services/config/SmallFiles.ts"
import type * as Skills from "../../services/skill/Skills.ts"
import { isTable } from "../../services/config/Table.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { internal, invalidRequest, RequestError } from "../../services/routing/RequestError.ts"

/** Folders in one request. */
const MaxFolders = 64

type SkillMethod = "skills/list" | "skills/extraRoots/set" | "skills/config/write"

type Needs = Config | FileReplacement | FileSystem.FileSystem | OutboundRouter | Path.Path | ServerInfo | SmallFiles

const oneOf = new RequestError({
  code: ErrorCode.InvalidParams,
  message: "skills/config/write requires exactly one of path or name"
})

/** The user's own switches, without those of other layers. */
const ownSwitches = Effect.fnUntraced(function* (config: Config["Service"], { switchesIn }: typeof Skills) {
  const { layers = [] } = yield* config.read({ includeLayers: true })
  const user = layers.find(({ name }) => name.type === "user" && name.profile === null)?.config
  return isTable(user) ? switchesIn(user) : []
})

/** The change of the setting that turns a skill on or off. */
const editOf = (
  switches: ReadonlyArray<Skills.Switch>,
  subject: { readonly path: string } | { readonly name: string },
  enabled: boolean
): ConfigEdit => {
  const others = switches.filter((entry) =>
    "path" in subject ? entry.path !== subject.path : entry.name !== subject.name
  )
  const value = [...others, ...(enabled ? [] : [{ ...subject, enabled: false }])]
  // The switches are JSON: they were read from the configuration.
  const written = value.length === 0 ? null : (value as unknown as ConfigEdit["value"])
  return { keyPath: "skills.config", value: written, mergeStrategy: "replace" }
}

const writing = (
  config: Config["Service"],
  files: FileReplacement["Service"],
  loaded: Effect.Effect<typeof Skills>
) => {
  const write: Handler<"skills/config/write"> = Effect.fnUntraced(
    function* ({ enabled, name, path }) {
      const hasPath = typeof path === "string"
      if (hasPath === (typeof name === "string")) return yield* oneOf
      const subject = hasPath ? { path } : { name: name ?? "" }
      const edit = editOf(yield* ownSwitches(config, yield* loaded), subject, enabled)
      yield* config.write({ edits: [edit], filePath: undefined, expectedVersion: undefined }, files)
      return { effectiveEnabled: enabled }
    },
    Effect.mapError((error) => (error instanceof RequestError ? error : internal(error.message)))
  )
  return write
}

export const make: Effect.Effect<HandlersFor<SkillMethod>, never, Needs> = Effect.gen(function* () {
  const config = yield* Config
  const router = yield* OutboundRouter
  const path = yield* Path.Path
  const { cwd: serverCwd } = yield* ServerInfo
  const platform = yield* Effect.context<Skills.Platform>()
  const loaded = yield* Effect.cached(
    Effect.uninterruptible(Effect.promise(() => import("../../services/skill/Skills.ts")))
  )
  let extraRoots: ReadonlyArray<string> = []

  const list: Handler<"skills/list"> = Effect.fnUntraced(function* ({ cwds = [] }) {
    if (cwds.length > MaxFolders) return yield* invalidRequest(`skills/list takes at most ${MaxFolders} folders`)
    const skills = yield* loaded
    const { settings } = yield* config.effective({ cwd: null, overrides: {} })
    const { home, userHome } = config
    const options = { home, userHome, extraRoots, switches: skills.switchesIn(settings) }
    const data = yield* Effect.forEach(cwds.length === 0 ? [serverCwd] : cwds, (cwd) =>
      Effect.map(skills.list(path.resolve(serverCwd, cwd), options), (found) => ({ cwd, ...found }))
    )
    return { data }
  }, Effect.provideContext(platform))

  return {
    "skills/list": list,
    "skills/extraRoots/set": ({ extraRoots: roots }) =>
      Effect.sync(() => {
        extraRoots = roots.slice(0, MaxFolders)
        return Reply.withCommit({}, router.notify("skills/changed", {}, null))
      }),
    "skills/config/write": writing(config, yield* FileReplacement, loaded)
  }
})
