/**
 * How the parameters of requests about the machine are handled: its files, processes and settings.
 *
 * @module
 */
import { type Decisions, ignored, used } from "./Decision.ts"

type HostMethod = Extract<
  keyof Decisions,
  `fs/${string}` | `command/${string}` | `process/${string}` | "config/value/write" | "config/batchWrite"
>

export const hostParameters: Pick<Decisions, HostMethod> = {
  "fs/readFile": { path: used },
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
  }
}
