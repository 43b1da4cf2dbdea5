/**
 * The error details about a failing model server: the server, the cause, the key's origin, and the next step.
 *
 * The error messages are those of the release, which clients match on; this text becomes the details. It never contains a
 * key, and quotes a server's text only as far as the message does.
 *
 * @module
 */
import type { ModelProviderInfo } from "../../../services/config/Config.ts"
import { ModelError } from "../../../services/model/ModelProvider.ts"
import type { Evidence, Failure } from "../attempts/Failure.ts"
import * as Body from "./Body.ts"

export interface Context {
  readonly provider: ModelProviderInfo
  /** The origin of the key, as in `the environment variable OPENAI_API_KEY`; null when none was sent. */
  readonly keyOrigin: string | null
  /** Absolute path of the user's configuration file. */
  readonly userFile: string
}

/** Codes of a certificate that is not trusted. */
const certificate = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|ERR_TLS/

const nameCodes: ReadonlySet<string> = new Set(["EAI_AGAIN", "ENOTFOUND"])

const hostOf = (provider: ModelProviderInfo): string => {
  const url = Body.urlOf(provider)
  return URL.canParse(url) ? new URL(url).host : url
}

/** How to start the model servers that are built-in providers of this machine. */
const localServers: ReadonlyMap<string, string> = new Map([
  ["ollama", "Start Ollama with `ollama serve`"],
  ["lmstudio", "Start the server of LM Studio with `lms server start`"]
])

const anOwnProvider = ({ userFile }: Context): string => `a provider of your own in ${userFile}`

/** The setting with the address. That of a built-in provider cannot be changed, except OpenAI's. */
const settingOf = (context: Context): string => {
  const { provider, userFile } = context
  if (provider.id === "openai") return `openai_base_url in ${userFile}`
  return localServers.has(provider.id)
    ? `the model; a server at another address needs ${anOwnProvider(context)}`
    : `base_url of [model_providers.${provider.id}] in ${userFile}`
}

const isBuiltIn = ({ provider }: Context): boolean => provider.id === "openai" || localServers.has(provider.id)

const connectionAdvice = (code: string, context: Context): string => {
  const host = hostOf(context.provider)
  const local = localServers.get(context.provider.id)
  if (code === "ECONNREFUSED" && local !== undefined)
    return `${local}. A server at another address needs ${anOwnProvider(context)}.`
  if (nameCodes.has(code)) {
    return `The name ${host} does not resolve. Check ${settingOf(context)}, and the network; a proxy is set with HTTPS_PROXY.`
  }
  if (code === "EPROTO") {
    return `The server at ${host} may have no TLS: then its address begins with http instead of https. Check ${settingOf(context)}.`
  }
  if (certificate.test(code)) {
    return `The certificate of ${host} is not trusted. Name the certificate of its authority with NODE_EXTRA_CA_CERTS=FILE.`
  }
  return `Check that the server runs and is reachable at ${host}, and ${settingOf(context)}; a proxy is set with HTTPS_PROXY.`
}

const statusAdvice = (status: number, context: Context): string => {
  switch (status) {
    case 401:
    case 403:
      return context.keyOrigin === null
        ? isBuiltIn(context)
          ? `The server requires a key. Define ${anOwnProvider(context)}, with env_key.`
          : `The server requires a key. Set env_key of [model_providers.${context.provider.id}] in ${context.userFile}.`
        : "Check that the key is valid for this server, and that its account may use the model."
    case 404:
      return `There is no Responses API, or no such model, at ${Body.plainUrlOf(context.provider)}. Check ${settingOf(context)}${localServers.has(context.provider.id) ? "" : ": it often ends with /v1"}.`
    case 429:
      return "Wait before the next request, or check the limits of the account."
    default:
      return status >= 500
        ? "The server has an internal problem. Try again later."
        : `Check the model and ${settingOf(context)}.`
  }
}

/** The cause and the next step. */
const causeOf = (evidence: Evidence, context: Context): readonly [cause: string, next: string] => {
  switch (evidence._tag) {
    case "Connection":
      return [`no connection: ${evidence.text}`, connectionAdvice(evidence.code, context)]
    case "Silent":
      return [
        `it accepted the request and sent nothing for ${Math.round(evidence.millis / 1000)} s`,
        isBuiltIn(context)
          ? `Check the server. To change the limit, define ${anOwnProvider(context)}, with stream_idle_timeout_ms.`
          : `Check the server. The limit is stream_idle_timeout_ms of [model_providers.${context.provider.id}].`
      ]
    case "Status":
      return [
        `status ${evidence.status}${evidence.text === "" ? "" : `: ${evidence.text}`}`,
        statusAdvice(evidence.status, context)
      ]
    case "ContentType":
      return [
        `it answered with ${evidence.contentType} instead of an event stream`,
        evidence.contentType.includes("html")
          ? `This may be a website. Check ${settingOf(context)}.`
          : "The server may only have the Chat Completions API. Spindle needs the Responses API."
      ]
  }
}

/** The text of the details. */
export const textOf = (evidence: Evidence, context: Context): string => {
  const [cause, next] = causeOf(evidence, context)
  const key = context.keyOrigin === null ? "No key was sent." : `The key came from ${context.keyOrigin}.`
  return `Model server ${hostOf(context.provider)} (provider \`${context.provider.id}\`): ${cause}\n${key} ${next}`
}

/** Adds the details to an error that has none. */
export const explaining =
  (context: Context) =>
  (failure: Failure): Failure => {
    const { details, info, message } = failure.error
    if (failure.evidence === undefined || details !== undefined) return failure
    return { ...failure, error: new ModelError({ message, info, details: textOf(failure.evidence, context) }) }
  }
