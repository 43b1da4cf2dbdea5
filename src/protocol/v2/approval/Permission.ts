/**
 * Permissions that are requested and granted beyond a thread's sandbox: files, hosts, and their duration.
 *
 * The shapes are both sent and received. Members that a client may omit are filled in on decoding, so that a grant can be
 * compared with the request.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, optional, orNull, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** Whether access to a host is allowed from now on. */
export const NetworkPolicyRuleAction = lazy(() => Schema.Literals(["allow", "deny"]))
export type NetworkPolicyRuleAction = Of<typeof NetworkPolicyRuleAction>

/** A permanent rule about one host. */
export const NetworkPolicyAmendment = lazy(() =>
  Schema.Struct({ host: Schema.String, action: NetworkPolicyRuleAction() })
)
export type NetworkPolicyAmendment = Of<typeof NetworkPolicyAmendment>

/** The protocol of the blocked connection. */
export const NetworkApprovalProtocol = lazy(() => Schema.Literals(["http", "https", "socks5Tcp", "socks5Udp"]))
export type NetworkApprovalProtocol = Of<typeof NetworkApprovalProtocol>

/** The host that a command tries to reach. */
export const NetworkApprovalContext = lazy(() =>
  Schema.Struct({ host: Schema.String, protocol: NetworkApprovalProtocol() })
)
export type NetworkApprovalContext = Of<typeof NetworkApprovalContext>

/** The access allowed at a path. */
export const FileSystemAccessMode = lazy(() => Schema.Literals(["read", "write", "deny"]))
export type FileSystemAccessMode = Of<typeof FileSystemAccessMode>

/** A location whose path differs between machines. `unknown` preserves names that a later release adds. */
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

/** A path, a glob, or a special location. */
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

/** Network access beyond the sandbox; `enabled` null leaves it unchanged. */
export const AdditionalNetworkPermissions = lazy(() => Schema.Struct({ enabled: orNull(Schema.Boolean) }))
export type AdditionalNetworkPermissions = Of<typeof AdditionalNetworkPermissions>

/** File access beyond the sandbox: lists of paths, or rules. `globScanMaxDepth` counts folders and is at least 1. */
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

/** The permissions that one command needs beyond the sandbox. */
export const AdditionalPermissionProfile = lazy(asked)
export type AdditionalPermissionProfile = Of<typeof AdditionalPermissionProfile>

/** The permissions that a model requests for later commands. */
export const RequestPermissionProfile = lazy(asked)
export type RequestPermissionProfile = Of<typeof RequestPermissionProfile>

/** The permissions that a user grants. An omitted permission is not granted. */
export const GrantedPermissionProfile = lazy(() =>
  Schema.Struct({
    network: optional(AdditionalNetworkPermissions()),
    fileSystem: optional(AdditionalFileSystemPermissions())
  })
)
export type GrantedPermissionProfile = Of<typeof GrantedPermissionProfile>

/** How long a grant is valid. */
export const PermissionGrantScope = lazy(() => Schema.Literals(["turn", "session"]))
export type PermissionGrantScope = Of<typeof PermissionGrantScope>
