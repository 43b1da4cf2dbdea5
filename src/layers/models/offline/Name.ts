/**
 * The offline model's names for clients. It has one model, so a thread's `model` has no effect.
 *
 * @module
 */
import { offlineProvider } from "../../../services/config/Config.ts"
import type { ModelName } from "../../../services/model/ModelProvider.ts"

const name: ModelName = { provider: offlineProvider, model: "offline" }

/** The same for every provider, because this is the only model. */
export const answersAs = (): ModelName => name
