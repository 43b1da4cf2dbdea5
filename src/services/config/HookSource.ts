/**
 * A place of the configuration with hooks. Types only; `HookSources` finds them.
 *
 * @module
 */
import type { HookSource as HookOrigin } from "../../protocol/v2/hook/Hook.ts"
import type { Table, Value } from "./Table.ts"

export type { HookOrigin }

/** One place with hooks. */
export interface HookSource {
  /** Absolute path, shown to users, and part of the key of each hook. */
  readonly path: string
  readonly origin: HookOrigin
  /** Whether the organisation set it: the hooks run without approval and cannot be disabled. */
  readonly isManaged: boolean
  /** The table; undefined for a `hooks.json`, which is read when it is needed. */
  readonly table?: Value
  /** The folder that must contain the `hooks.json` after links are followed. */
  readonly within?: string
}

/** The sources, the lowest first, and the state of each hook by its key. */
export interface HookSources {
  readonly sources: ReadonlyArray<HookSource>
  readonly states: Table
}
