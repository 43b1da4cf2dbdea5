/**
 * Converts a configuration warning to the form of the protocol.
 *
 * @module
 */
import type { NotificationParams } from "../../protocol/Methods.ts"
import type { ConfigWarning } from "../../services/config/Config.ts"

export const configWarning = (warning: ConfigWarning): NotificationParams<"configWarning"> => ({
  summary: warning.summary,
  details: warning.details,
  ...(warning.path === null ? {} : { path: warning.path }),
  ...(warning.range === undefined ? {} : { range: warning.range })
})
