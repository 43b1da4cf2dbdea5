/**
 * How the parameters of requests about the machine are handled: its files.
 *
 * @module
 */
import { type Decisions, used } from "./Decision.ts"

type HostMethod = Extract<keyof Decisions, `fs/${string}`>

/** All of them are used. */
export const hostParameters: Pick<Decisions, HostMethod> = {
  "fs/readFile": { path: used },
  "fs/writeFile": { path: used, dataBase64: used },
  "fs/createDirectory": { path: used, recursive: used },
  "fs/getMetadata": { path: used },
  "fs/readDirectory": { path: used },
  "fs/remove": { path: used, recursive: used, force: used },
  "fs/copy": { sourcePath: used, destinationPath: used, recursive: used },
  "fs/watch": { watchId: used, path: used },
  "fs/unwatch": { watchId: used }
}
