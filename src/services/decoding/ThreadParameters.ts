/**
 * How the parameters are handled of the requests about threads that do not start, resume or fork one.
 *
 * @module
 */
import { agents, type Decisions, environments, ignored, input, personality, reviewer, tier, used } from "./Decision.ts"

const threadId = { threadId: used }
const paged = { cursor: used, limit: used }
const attached = ignored("Threads cannot be attached to others.")
const account = ignored("A server has one account, to which all its threads belong.")

const attachment = { attachmentType: used, identityKey: used }

/** By method name. */
export const threadParameters = {
  "thread/list": {
    ...paged,
    sortKey: used,
    sortDirection: used,
    modelProviders: used,
    sourceKinds: used,
    originators: used,
    archived: used,
    sectionId: used,
    projectId: used,
    cwd: used,
    searchTerm: used,
    excludedThreadIds: used,
    parentThreadId: used,
    ancestorThreadId: used,
    attachedToThreadId: used,
    includeAttachedThreads: attached,
    currentAccountOnly: account,
    useStateDbOnly: ignored("Threads are always listed from the same store.")
  },
  "thread/search": {
    ...paged,
    includeAttachedThreads: attached,
    currentAccountOnly: account,
    sortKey: used,
    sortDirection: used,
    sourceKinds: used,
    archived: used,
    searchTerm: used
  },
  "thread/loaded/list": paged,
  "thread/turns/list": { ...threadId, ...paged, sortDirection: used, itemsView: used },
  "thread/items/list": { ...threadId, ...paged, turnId: used, sortDirection: used, deferOutput: used },
  "thread/items/read": { ...threadId, turnId: used, itemIds: used },
  "thread/searchOccurrences": { ...threadId, ...paged, searchTerm: used },
  "thread/timeline/list": { ...threadId, ...paged },
  "thread/revert": { ...threadId, beforeTurnId: used },
  "thread/inject_items": { ...threadId, items: used },
  "thread/archive": threadId,
  "thread/unarchive": threadId,
  "thread/delete": threadId,
  "thread/name/set": { ...threadId, name: used },
  "thread/metadata/update": { ...threadId, projectId: used, gitInfo: used, daybreakEnabled: used },
  "thread/settings/update": {
    ...threadId,
    disabledPluginIds: ignored("It is stored and reported. This server has no plugins."),
    cwd: used,
    environments,
    approvalPolicy: used,
    approvalsReviewer: reviewer,
    sandboxPolicy: used,
    permissions: used,
    model: used,
    serviceTier: tier,
    collaborationMode: used,
    effort: used,
    summary: used,
    multiAgentMode: agents,
    personality
  },
  "thread/readState/update": { ...threadId, operation: used, expectedRevision: used },
  "thread/attachment/add": { ...threadId, ...attachment, payload: used },
  "thread/attachment/remove": { ...threadId, ...attachment },
  "thread/attachment/list": { ...threadId, ...paged },
  "thread/attachmentOwner/list": { ...paged, ...attachment, archived: used },
  "thread/section/move": { ...threadId, sectionId: used, beforeThreadId: used },
  "threadSection/list": paged,
  "threadSection/create": { name: used, appearance: used },
  "threadSection/update": { sectionId: used, name: used, appearance: used },
  "threadSection/delete": { sectionId: used },
  "thread/goal/set": {
    ...threadId,
    origin: ignored("Goals are changed in the same way for every origin."),
    objective: used,
    status: used,
    tokenBudget: used
  },
  "thread/goal/get": threadId,
  "thread/goal/clear": { ...threadId, origin: ignored("Goals are changed in the same way for every origin.") },
  "thread/increment_elicitation": threadId,
  "thread/decrement_elicitation": threadId,
  "thread/prepareApprovedPlan": {
    ...threadId,
    markdown: used,
    attachmentPath: ignored("The plan is always in the conversation, so no file is read.")
  },
  "thread/prediction/request": { ...threadId, sourceTurnId: ignored("Predictions are not made.") },
  "thread/queue/add": { ...threadId, input, clientUserMessageId: used, responsesapiClientMetadata: used },
  "thread/queue/list": { ...threadId, ...paged },
  "thread/queue/update": { ...threadId, queuedSubmissionId: used, input, responsesapiClientMetadata: used },
  "thread/queue/delete": { ...threadId, queuedSubmissionId: used },
  "thread/queue/reorder": { ...threadId, queuedSubmissionIds: used },
  "thread/queue/start": { ...threadId, queuedSubmissionId: used },
  "thread/backgroundTerminals/list": { ...threadId, ...paged },
  "thread/backgroundTerminals/terminate": { ...threadId, processId: used },
  "thread/backgroundTerminals/clean": threadId
} satisfies Partial<Decisions>
