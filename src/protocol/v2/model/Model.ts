/**
 * The models that can be selected.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { CyberAccessProgram, ReasoningEffort } from "../thread/Settings.ts"

/** The kinds of input that a model accepts. */
export const InputModality = lazy(() => Schema.Literals(["text", "image", "audio"]))
export type InputModality = Of<typeof InputModality>

/** A reasoning effort that a model supports. */
export const ReasoningEffortOption = lazy(() =>
  Schema.Struct({ reasoningEffort: ReasoningEffort(), description: Schema.String })
)
export type ReasoningEffortOption = Of<typeof ReasoningEffortOption>

/** A service tier that a model offers. */
export const ModelServiceTier = lazy(() =>
  Schema.Struct({ id: Schema.String, name: Schema.String, description: Schema.String })
)
export type ModelServiceTier = Of<typeof ModelServiceTier>

/** The model to upgrade to, with text for the user. */
export const ModelUpgradeInfo = lazy(() =>
  Schema.Struct({
    model: Schema.String,
    upgradeCopy: nullable(Schema.String),
    modelLink: nullable(Schema.String),
    migrationMarkdown: nullable(Schema.String),
    retirementAt: nullable(UnixSeconds)
  })
)
export type ModelUpgradeInfo = Of<typeof ModelUpgradeInfo>

/** An entry of the catalogue. `hidden` entries are listed only on request; one entry is the default. */
export const Model = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    model: Schema.String,
    upgrade: nullable(Schema.String),
    upgradeInfo: nullable(ModelUpgradeInfo()),
    availabilityNux: nullable(Schema.Struct({ message: Schema.String })),
    displayName: Schema.String,
    description: Schema.String,
    modelSpecialty: nullable(Schema.String),
    hidden: Schema.Boolean,
    supportedReasoningEfforts: Schema.Array(ReasoningEffortOption()),
    defaultReasoningEffort: ReasoningEffort(),
    inputModalities: Schema.Array(InputModality()),
    supportsPersonality: Schema.Boolean,
    multiAgentVersion: nullable(Schema.Literals(["disabled", "v1", "v2"])),
    additionalSpeedTiers: Schema.Array(Schema.String),
    serviceTiers: Schema.Array(ModelServiceTier()),
    defaultServiceTier: nullable(Schema.String),
    availableAccessPrograms: nullable(Schema.Struct({ cyber: Schema.Array(CyberAccessProgram()) })),
    isDefault: Schema.Boolean
  })
)
export type Model = Of<typeof Model>
