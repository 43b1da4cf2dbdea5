/**
 * What a client may tell the server without waiting for an answer.
 *
 * @module
 */

/** The second half of the handshake. It carries nothing, and what it carries is not looked at. */
export const clientNotificationTable = {
  initialized: { kind: "clientNotification" }
} as const

/** The name of a client notification; any other is ignored, as in the release. */
export type ClientNotificationMethod = keyof typeof clientNotificationTable
