/**
 * The protocol table against the released server's own JSON Schema: the names, the structure, and generated values.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { WireSchema } from "../../src/protocol/Lazy.ts"
import type { ExperimentalField } from "../../src/protocol/Method.ts"
import { serverNotificationTable, serverRequestTable } from "../../src/protocol/Methods.ts"
import { ReleasedRequests } from "../../src/protocol/ReleasedRequests.ts"
import { releasedRequestTable } from "../../src/protocol/ReleasedTable.ts"
import { type JsonSchema, load } from "./Release.ts"
import { differences, type Direction } from "./Shape.ts"

const release = load()

interface Subject {
  readonly name: string
  readonly ours: WireSchema
  readonly theirs: JsonSchema
  readonly direction: Direction
}

const released = (methods: ReadonlyMap<string, { readonly params: JsonSchema }>, method: string): JsonSchema =>
  methods.get(method)?.params ?? {}

/** Methods of protocol version 1 that the server still lists and the schema omits. */
const unlisted = new Set(["getConversationSummary", "gitDiffToRemote", "getAuthStatus"])

interface Declaration {
  readonly params: WireSchema | undefined
  readonly result: WireSchema
  readonly experimentalFields: ReadonlyArray<ExperimentalField>
}

/** The requests of the release that the released schema describes, whether this server serves them or not. */
const requests: ReadonlyArray<readonly [string, Declaration]> = Object.entries<Declaration>(
  releasedRequestTable
).filter(([method]) => !unlisted.has(method))

const subjects: ReadonlyArray<Subject> = [
  ...Object.entries(serverNotificationTable).map(([method, { params }]): Subject => ({
    name: method,
    ours: params,
    theirs: released(release.serverNotifications, method),
    direction: "sent"
  })),
  ...Object.entries(serverRequestTable).flatMap(([method, { params, result }]): ReadonlyArray<Subject> => [
    {
      name: `${method} params`,
      ours: params,
      theirs: released(release.serverRequests, method),
      direction: "sent"
    },
    { name: `${method} result`, ours: result, theirs: release.result(method), direction: "taken" }
  ]),
  ...requests.flatMap(([method, { params, result }]): ReadonlyArray<Subject> => [
    ...(params === undefined
      ? []
      : [
          {
            name: `${method} params`,
            ours: params,
            theirs: released(release.clientRequests, method),
            direction: "taken" as const
          }
        ]),
    { name: `${method} result`, ours: result, theirs: release.result(method), direction: "sent" }
  ])
]

/** The wire form in the direction of the message. */
const wire = ({ direction, ours }: Subject): Schema.Codec<unknown, unknown> =>
  direction === "sent" ? Schema.toType(ours()) : Schema.toEncoded(ours())

/** Differences to the released schema where the released server itself differs from it. */
const deliberate: ReadonlyArray<{ readonly differs: RegExp; readonly because: string }> = [
  {
    differs: /^thread\/realtime\/item\/\w+ \.item<type=bemItemPromoted>\.(turn_?id|item_?id):/i,
    because: "the server and its TypeScript types use turnId and itemId"
  },
  {
    differs: /^accountSession\/switch result \(all\): \d of <(authUrl,loginId|auth_url,login_id)>/,
    because: "its TypeScript types use authUrl and loginId"
  },
  {
    differs: /^thread\/start params \.dynamicTools\[\](<type=function>\.type)?:/,
    because: "the server treats a tool without a type as a function"
  },
  {
    differs: /^thread\/resume params \.history\[\]: 0 of <type> in the release/,
    because: "the server decodes unknown kinds of history as `other`"
  }
]

/** Members of a union's variants that the generated schema gives in snake case. */
const variantMembers: Readonly<Record<string, string>> = { loginId: "login_id", authUrl: "auth_url" }

/** The schema lists parameters, not individual values of one. */
const wholeField = (field: ExperimentalField): ReadonlyArray<string> =>
  typeof field === "string" ? [field] : "variant" in field ? [] : [field.field]

/** Converts a value to the form of the released schema, where that differs from the server's. */
const inReleasedWords = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inReleasedWords)
  if (typeof value !== "object" || value === null) return value
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, inReleasedWords(member)])
  const object = Object.fromEntries(members)
  if (object["type"] === "bemItemPromoted") return { ...object, turn_id: object["turnId"], item_id: object["itemId"] }
  if ("loginId" in object && "authUrl" in object && !("type" in object)) {
    return Object.fromEntries(members.map(([name, member]) => [variantMembers[name] ?? name, member]))
  }
  if ("inputSchema" in object && "description" in object) return { type: "function", ...object }
  return object
}

describe("the names", () => {
  it("of the server notifications are the release's", () => {
    assert.deepStrictEqual(Object.keys(serverNotificationTable).sort(), [...release.serverNotifications.keys()].sort())
  })

  it("of the server requests are the release's", () => {
    assert.deepStrictEqual(Object.keys(serverRequestTable).sort(), [...release.serverRequests.keys()].sort())
  })

  it("of the client requests are the release's, in its order", () => {
    const listed = Object.keys(ReleasedRequests).filter((method) => !unlisted.has(method))
    assert.deepStrictEqual(listed, [...release.clientRequests.keys()])
    assert.deepStrictEqual(
      requests.map(([method]) => method).filter((method) => !release.clientRequests.has(method)),
      []
    )
  })
})

describe("what needs the experimental capability", () => {
  it("is the same among the server requests", () => {
    const ours = Object.entries(serverRequestTable).map(([name, { experimentalFields, stability }]) => [
      name,
      { method: stability === "experimental", fields: experimentalFields }
    ])
    assert.deepStrictEqual(Object.fromEntries(ours), Object.fromEntries(release.experimental("ServerRequest")))
  })

  it("is the same among the client requests", () => {
    const theirs = release.experimental("ClientRequest")
    const listed = Object.entries(ReleasedRequests).filter(([method]) => !unlisted.has(method))
    assert.deepStrictEqual(
      listed.map(([method, { stability }]) => [method, stability === "experimental"]),
      [...theirs].map(([name, { method }]) => [name, method])
    )
  })

  it("is the same among the parameters of the client requests", () => {
    const theirs = release.experimental("ClientRequest")
    assert.deepStrictEqual(
      requests.map(([method, { experimentalFields }]) => [method, experimentalFields.flatMap(wholeField).sort()]),
      requests.map(([method]) => [method, theirs.get(method)?.fields.toSorted()])
    )
  })
})

describe("the structure", () => {
  it("has the members, optionality and nullability of the release, at any depth", () => {
    const found = subjects.flatMap((subject) => {
      const { definitions, schema } = Schema.toJsonSchemaDocument(wire(subject))
      const theirs = { schema: subject.theirs, definitions: subject.theirs.definitions ?? {} }
      return differences(theirs, { schema, definitions }, subject.direction).map((line) => `${subject.name} ${line}`)
    })
    const unexpected = found.filter((line) => !deliberate.some(({ differs }) => differs.test(line)))
    assert.deepStrictEqual(unexpected, [])
    const outdated = deliberate.filter(({ differs }) => !found.some((line) => differs.test(line)))
    assert.deepStrictEqual(outdated, [])
  })
})

describe("generated values", () => {
  for (const subject of subjects) {
    it.effect(`of ${subject.name} are valid in the release`, () =>
      Effect.gen(function* () {
        const validate = release.validator(subject.theirs)
        const values = yield* Arbitrary.sampleEffect(Arbitrary.schema(wire(subject)), {
          count: 25,
          size: 3,
          seed: subject.name
        })
        const faults = values.flatMap((value) => {
          const text = JSON.stringify(value)
          const fault = validate(inReleasedWords(JSON.parse(text)))
          return fault === undefined ? [] : [`${fault} in ${text.slice(0, 400)}`]
        })
        assert.deepStrictEqual(faults, [])
      })
    )
  }
})
