/**
 * How the offline model is named to clients. It has one model, so a thread's `model` has no effect here.
 *
 * @module
 */
import { offlineProvider } from "../../../services/config/Config.ts"
import type { ModelName } from "../../../services/model/ModelProvider.ts"

const name: ModelName = { provider: offlineProvider, model: "offline" }

/** The same for every provider: whoever asks this model gets this model. */
export const answersAs = (): ModelName => name
