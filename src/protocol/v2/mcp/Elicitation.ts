/**
 * Elicitation: requests from an MCP server to the user: a form, a URL to visit, or user verification.
 *
 * The form fields are the subset of JSON Schema that MCP allows. They come from an MCP server and are passed on unchanged,
 * so omitted members are not filled in.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, defaulted, nullable, U32, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

const label = { title: absent(Schema.String), description: absent(Schema.String) }

/** A boolean field. */
export const McpElicitationBooleanSchema = lazy(() =>
  Schema.Struct({ type: Schema.Literal("boolean"), ...label, default: absent(Schema.Boolean) })
)
export type McpElicitationBooleanSchema = Of<typeof McpElicitationBooleanSchema>

/** A number within bounds. */
export const McpElicitationNumberSchema = lazy(() =>
  Schema.Struct({
    type: Schema.Literals(["number", "integer"]),
    ...label,
    minimum: absent(Schema.Finite),
    maximum: absent(Schema.Finite),
    default: absent(Schema.Finite)
  })
)
export type McpElicitationNumberSchema = Of<typeof McpElicitationNumberSchema>

/** A text field. */
export const McpElicitationStringSchema = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("string"),
    ...label,
    minLength: absent(U32),
    maxLength: absent(U32),
    format: absent(Schema.Literals(["email", "uri", "date", "date-time"])),
    default: absent(Schema.String)
  })
)
export type McpElicitationStringSchema = Of<typeof McpElicitationStringSchema>

/** A choice with a value and a display name. */
export const McpElicitationConstOption = lazy(() => Schema.Struct({ const: Schema.String, title: Schema.String }))
export type McpElicitationConstOption = Of<typeof McpElicitationConstOption>

/** One of several values, each with a title. */
export const McpElicitationTitledSingleSelectEnumSchema = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("string"),
    ...label,
    oneOf: Schema.Array(McpElicitationConstOption()),
    default: absent(Schema.String)
  })
)
export type McpElicitationTitledSingleSelectEnumSchema = Of<typeof McpElicitationTitledSingleSelectEnumSchema>

/** One of several values. */
export const McpElicitationUntitledSingleSelectEnumSchema = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("string"),
    ...label,
    enum: Schema.Array(Schema.String),
    default: absent(Schema.String)
  })
)
export type McpElicitationUntitledSingleSelectEnumSchema = Of<typeof McpElicitationUntitledSingleSelectEnumSchema>

/** One of several values, with titles in the legacy notation. */
export const McpElicitationLegacyTitledEnumSchema = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("string"),
    ...label,
    enum: Schema.Array(Schema.String),
    enumNames: absent(Schema.Array(Schema.String)),
    default: absent(Schema.String)
  })
)
export type McpElicitationLegacyTitledEnumSchema = Of<typeof McpElicitationLegacyTitledEnumSchema>

const several = {
  type: Schema.Literal("array"),
  ...label,
  minItems: absent(U64),
  maxItems: absent(U64),
  default: absent(Schema.Array(Schema.String))
}

/** Any number of several values. */
export const McpElicitationUntitledMultiSelectEnumSchema = lazy(() =>
  Schema.Struct({
    ...several,
    items: Schema.Struct({ type: Schema.Literal("string"), enum: Schema.Array(Schema.String) })
  })
)
export type McpElicitationUntitledMultiSelectEnumSchema = Of<typeof McpElicitationUntitledMultiSelectEnumSchema>

/** Any number of several values, each with a title. */
export const McpElicitationTitledMultiSelectEnumSchema = lazy(() =>
  Schema.Struct({ ...several, items: Schema.Struct({ anyOf: Schema.Array(McpElicitationConstOption()) }) })
)
export type McpElicitationTitledMultiSelectEnumSchema = Of<typeof McpElicitationTitledMultiSelectEnumSchema>

/** One field of a form. The first kind that matches is used, so the more specific ones come first. */
export const McpElicitationPrimitiveSchema = lazy(() =>
  Schema.Union([
    McpElicitationTitledSingleSelectEnumSchema(),
    McpElicitationLegacyTitledEnumSchema(),
    McpElicitationUntitledSingleSelectEnumSchema(),
    McpElicitationUntitledMultiSelectEnumSchema(),
    McpElicitationTitledMultiSelectEnumSchema(),
    McpElicitationStringSchema(),
    McpElicitationNumberSchema(),
    McpElicitationBooleanSchema()
  ])
)
export type McpElicitationPrimitiveSchema = Of<typeof McpElicitationPrimitiveSchema>

/** A form: its fields by name, and the required ones. */
export const McpElicitationSchema = lazy(() =>
  Schema.Struct({
    $schema: absent(Schema.String),
    type: Schema.Literal("object"),
    properties: Schema.Record(Schema.String, McpElicitationPrimitiveSchema()),
    required: absent(Schema.Array(Schema.String))
  })
)
export type McpElicitationSchema = Of<typeof McpElicitationSchema>

/** `turnId` is null when the request does not belong to a turn. `_meta` is the MCP server's; null when it sent none. */
const origin = () => ({
  threadId: Schema.String,
  turnId: nullable(Schema.String),
  serverName: Schema.String,
  _meta: Schema.Json
})

/** The elicitation. The two spellings of OpenAI's form differ in name only. */
export const McpServerElicitationRequestParams = lazy(() =>
  Schema.Union([
    Schema.Struct({
      ...origin(),
      mode: Schema.Literal("openai/userVerification"),
      title: Schema.String,
      description: Schema.String,
      challenge: Schema.String
    }),
    Schema.Struct({
      ...origin(),
      mode: Schema.Literal("form"),
      message: Schema.String,
      requestedSchema: McpElicitationSchema()
    }),
    Schema.Struct({
      ...origin(),
      mode: Schema.Literal("openai/form"),
      message: Schema.String,
      requestedSchema: Schema.Json
    }),
    Schema.Struct({
      ...origin(),
      mode: Schema.Literal("openaiForm"),
      message: Schema.String,
      requestedSchema: Schema.Json
    }),
    Schema.Struct({
      ...origin(),
      mode: Schema.Literal("url"),
      message: Schema.String,
      url: Schema.String,
      elicitationId: Schema.String
    })
  ])
)
export type McpServerElicitationRequestParams = Of<typeof McpServerElicitationRequestParams>

/** `decline` refuses; `cancel` gives no answer. */
export const McpServerElicitationAction = lazy(() => Schema.Literals(["accept", "decline", "cancel"]))
export type McpServerElicitationAction = Of<typeof McpServerElicitationAction>

/** The user's answer; `content` holds the form's values. */
export const McpServerElicitationRequestResponse = lazy(() =>
  Schema.Struct({
    action: McpServerElicitationAction(),
    content: defaulted(Schema.Json, null),
    _meta: defaulted(Schema.Json, null)
  })
)
export type McpServerElicitationRequestResponse = Of<typeof McpServerElicitationRequestResponse>
