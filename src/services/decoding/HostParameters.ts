/**
 * How the parameters of requests about the machine are handled: its files and settings.
 *
 * @module
 */
import { type Decisions, ignored, used } from "./Decision.ts"

type HostMethod = Extract<keyof Decisions, `fs/${string}` | "config/value/write" | "config/batchWrite">

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
  "config/value/write": { keyPath: used, value: used, mergeStrategy: used, filePath: used, expectedVersion: used },
  "config/batchWrite": {
    edits: used,
    filePath: used,
    expectedVersion: used,
    reloadUserConfig: ignored("Every thread that starts reads the file again. A loaded thread keeps its settings.")
  }
}
