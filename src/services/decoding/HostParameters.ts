/**
 * How the parameters of requests about the machine are handled: its files, processes, settings and accounts.
 *
 * @module
 */
import { type Decisions, ignored, used } from "./Decision.ts"

/** The list is empty whatever the request says. */
const noCloud = ignored("This server has no apps, plugins or accounts of the vendor's cloud.")

type HostMethod = Extract<
  keyof Decisions,
  | `fs/${string}`
  | `command/${string}`
  | `process/${string}`
  | "config/value/write"
  | "hooks/list"
  | "config/batchWrite"
  | `experimentalFeature/${string}`
  | "permissionProfile/list"
  | `modelProvider/${string}`
  | `account/${"login" | "rateLimits" | "usage" | "logout" | "workspaceMessages" | "securitySetup" | "rateLimitResetCredit" | "sendAddCreditsNudgeEmail"}${string}`
  | "accountSession/list"
  | `app/${string}`
  | `plugin/${string}`
  | "getAuthStatus"
  | `skills/${string}`
>

export const hostParameters: Pick<Decisions, HostMethod> = {
  "fs/readFile": { path: used },
  "hooks/list": { cwds: used, threadId: used },
  "fs/writeFile": { path: used, dataBase64: used },
  "fs/createDirectory": { path: used, recursive: used },
  "fs/getMetadata": { path: used },
  "fs/readDirectory": { path: used },
  "fs/remove": { path: used, recursive: used, force: used },
  "fs/copy": { sourcePath: used, destinationPath: used, recursive: used },
  "fs/watch": { watchId: used, path: used },
  "fs/unwatch": { watchId: used },
  "command/exec": {
    command: used,
    processId: used,
    tty: used,
    streamStdin: used,
    streamStdoutStderr: used,
    outputBytesCap: used,
    disableOutputCap: used,
    disableTimeout: used,
    timeoutMs: used,
    cwd: used,
    env: used,
    size: used,
    sandboxPolicy: used,
    permissionProfile: used
  },
  "command/exec/write": { processId: used, deltaBase64: used, closeStdin: used },
  "command/exec/terminate": { processId: used },
  "command/exec/resize": { processId: used, size: used },
  "process/spawn": {
    command: used,
    processHandle: used,
    cwd: used,
    tty: used,
    streamStdin: used,
    streamStdoutStderr: used,
    outputBytesCap: used,
    timeoutMs: used,
    env: used,
    size: used
  },
  "process/writeStdin": { processHandle: used, deltaBase64: used, closeStdin: used },
  "process/kill": { processHandle: used },
  "process/resizePty": { processHandle: used, size: used },
  "config/value/write": { keyPath: used, value: used, mergeStrategy: used, filePath: used, expectedVersion: used },
  "config/batchWrite": {
    edits: used,
    filePath: used,
    expectedVersion: used,
    reloadUserConfig: ignored("Every thread that starts reads the file again. A loaded thread keeps its settings.")
  },
  "experimentalFeature/list": {
    cursor: used,
    limit: used,
    threadId: ignored("Features are those of the server's configuration.")
  },
  "experimentalFeature/enablement/set": {
    enablement: ignored("No feature of this server can be changed while it runs; the answer names none.")
  },
  "permissionProfile/list": { cursor: used, limit: used, cwd: used },
  "modelProvider/list": {},
  "modelProvider/capabilities/read": {},
  "accountSession/list": { refreshWorkspaceMetadata: noCloud },
  "account/rateLimits/read": { supportsLunaReserve: noCloud, excludeResetCreditDetails: noCloud },
  "account/usage/read": { threadId: noCloud },
  "account/rateLimitResetCredit/consume": { idempotencyKey: noCloud, creditId: noCloud },
  "account/sendAddCreditsNudgeEmail": { creditType: noCloud },
  "account/login/start": { type: used },
  "account/login/cancel": { loginId: used },
  "app/list": { cursor: noCloud, limit: noCloud, threadId: noCloud, forceRefetch: noCloud },
  "app/installed": { threadId: noCloud, forceRefresh: noCloud },
  "plugin/list": { cwds: noCloud, marketplaceKinds: noCloud, forceRefetch: noCloud },
  "plugin/installed": { cwds: noCloud, installSuggestionPluginNames: noCloud },
  "plugin/reconcile": { reason: noCloud },
  "account/logout": {},
  "account/securitySetup/read": {},
  "account/workspaceMessages/read": {},
  "skills/list": { cwds: used, forceReload: ignored("Skills are read for every request.") },
  "skills/extraRoots/set": { extraRoots: used },
  "skills/config/write": { path: used, name: used, enabled: used },
  getAuthStatus: { includeToken: used, refreshToken: ignored("Keys do not expire.") }
}
