/**
 * Permissions that are asked for and granted beyond a thread's sandbox: files, hosts, and for how long.
 *
 * The shapes travel both ways. What a client may leave out is filled while it is decoded, so that a grant can be compared
 * with what was asked for.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, optional, orNull, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** Whether a host may be reached from now on. */
export const NetworkPolicyRuleAction = lazy(() => Schema.Literals(["allow", "deny"]))
export type NetworkPolicyRuleAction = Of<typeof NetworkPolicyRuleAction>

/** A lasting rule about one host. */
export const NetworkPolicyAmendment = lazy(() =>
  Schema.Struct({ host: Schema.String, action: NetworkPolicyRuleAction() })
)
export type NetworkPolicyAmendment = Of<typeof NetworkPolicyAmendment>

/** How a command speaks to the host it is stopped at. */
export const NetworkApprovalProtocol = lazy(() => Schema.Literals(["http", "https", "socks5Tcp", "socks5Udp"]))
export type NetworkApprovalProtocol = Of<typeof NetworkApprovalProtocol>

/** The host a command wants to reach. */
export const NetworkApprovalContext = lazy(() =>
  Schema.Struct({ host: Schema.String, protocol: NetworkApprovalProtocol() })
)
export type NetworkApprovalContext = Of<typeof NetworkApprovalContext>

/** What may be done at a path. */
export const FileSystemAccessMode = lazy(() => Schema.Literals(["read", "write", "deny"]))
export type FileSystemAccessMode = Of<typeof FileSystemAccessMode>

/** A place that has another path on every machine. `unknown` keeps what a later release names. */
export const FileSystemSpecialPath = lazy(() =>
  Schema.Union([
    Schema.Struct({ kind: Schema.Literal("root") }),
    Schema.Struct({ kind: Schema.Literal("minimal") }),
    Schema.Struct({ kind: Schema.Literal("project_roots"), subpath: orNull(Schema.String) }),
    Schema.Struct({ kind: Schema.Literal("tmpdir") }),
    Schema.Struct({ kind: Schema.Literal("slash_tmp") }),
    Schema.Struct({ kind: Schema.Literal("unknown"), path: Schema.String, subpath: orNull(Schema.String) })
  ])
)
export type FileSystemSpecialPath = Of<typeof FileSystemSpecialPath>

/** A path, a glob, or a place by its role. */
export const FileSystemPath = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("path"), path: Schema.String }),
    Schema.Struct({ type: Schema.Literal("glob_pattern"), pattern: Schema.String }),
    Schema.Struct({ type: Schema.Literal("special"), value: FileSystemSpecialPath() })
  ])
)
export type FileSystemPath = Of<typeof FileSystemPath>

/** One rule of a file permission. */
export const FileSystemSandboxEntry = lazy(() =>
  Schema.Struct({ path: FileSystemPath(), access: FileSystemAccessMode() })
)
export type FileSystemSandboxEntry = Of<typeof FileSystemSandboxEntry>

/** Network access beyond the sandbox; `enabled` null says nothing about it. */
export const AdditionalNetworkPermissions = lazy(() => Schema.Struct({ enabled: orNull(Schema.Boolean) }))
export type AdditionalNetworkPermissions = Of<typeof AdditionalNetworkPermissions>

/** File access beyond the sandbox: plain lists of paths, or rules. `globScanMaxDepth` counts folders and is at least 1. */
export const AdditionalFileSystemPermissions = lazy(() =>
  Schema.Struct({
    read: orNull(Schema.Array(Schema.String)),
    write: orNull(Schema.Array(Schema.String)),
    globScanMaxDepth: optional(U64.check(Schema.isGreaterThanOrEqualTo(1))),
    entries: optional(Schema.Array(FileSystemSandboxEntry()))
  })
)
export type AdditionalFileSystemPermissions = Of<typeof AdditionalFileSystemPermissions>

const asked = () =>
  Schema.Struct({
    network: nullable(AdditionalNetworkPermissions()),
    fileSystem: nullable(AdditionalFileSystemPermissions())
  })

/** What one command needs beyond the sandbox. */
export const AdditionalPermissionProfile = lazy(asked)
export type AdditionalPermissionProfile = Of<typeof AdditionalPermissionProfile>

/** What a model asks for on behalf of the commands to come. */
export const RequestPermissionProfile = lazy(asked)
export type RequestPermissionProfile = Of<typeof RequestPermissionProfile>

/** What a user grants of it. Left out is not granted. */
export const GrantedPermissionProfile = lazy(() =>
  Schema.Struct({
    network: optional(AdditionalNetworkPermissions()),
    fileSystem: optional(AdditionalFileSystemPermissions())
  })
)
export type GrantedPermissionProfile = Of<typeof GrantedPermissionProfile>

/** How long a grant holds. */
export const PermissionGrantScope = lazy(() => Schema.Literals(["turn", "session"]))
export type PermissionGrantScope = Of<typeof PermissionGrantScope>
