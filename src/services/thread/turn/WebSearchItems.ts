/**
 * The items of web searches that the model server runs.
 *
 * @module
 */
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { WebSearchAction, WebSearchItem } from "../../../protocol/v2/item/WorkItem.ts"

type Call = Extract<ResponseItem, { readonly type: "web_search_call" }>

const actionOf = (action: Call["action"]): WebSearchAction => {
  switch (action?.type) {
    case "search":
      return { type: "search", query: action.query ?? null, queries: action.queries ?? null }
    case "open_page":
      return { type: "openPage", url: action.url ?? null }
    case "find_in_page":
      return { type: "findInPage", url: action.url ?? null, pattern: action.pattern ?? null }
    default:
      return { type: "other" }
  }
}

/** What was searched for, in one line. */
const queryOf = (action: WebSearchAction): string => {
  switch (action.type) {
    case "search": {
      const [first = "", ...more] = action.queries ?? []
      return action.query ?? (more.length === 0 ? first : `${first} ...`)
    }
    case "openPage":
      return action.url ?? ""
    case "findInPage":
      if (action.pattern === null) return action.url ?? ""
      return action.url === null ? `'${action.pattern}'` : `'${action.pattern}' in ${action.url}`
    case "other":
      return ""
  }
}

/** The item of a search; null when its action is not known yet. */
export const webSearch = (id: string, call: Call | null): WebSearchItem => {
  const action = actionOf(call?.action)
  return { type: "webSearch", id, query: queryOf(action), action, results: null }
}
