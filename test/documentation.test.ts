import { assert, describe, it } from "@effect/vitest"
import {
  declarations,
  type Documented,
  entryPoints,
  header,
  isNumeric,
  parse,
  publicApi
} from "../scripts/documentation/PublicApi.ts"
import { blocksIn, moduleOf, snippets } from "../scripts/documentation/Snippets.ts"

const unit =
  /\b(?:milliseconds?|ms|seconds?|minutes?|bytes?|MiB|characters?|tokens?|messages?|requests?|responses?|answers?|connections?|clients?|notifications?|events?|items?|parts?|threads?|turns?|commands?|lines?|entries|values?|snapshots?|retries|attempts?|times|levels?|number|count|index|position|port)\b/i

/** Numbers that identify or classify something, and so have no unit. */
const identifier = /(?:^|\.)(?:id|code|exitCode|inode|device|seq|connection)$/

/** The options of a constructor: a type with such a name, or the parameter of a function. */
const isOption = ({ name }: Documented): boolean => /^(?:[a-z]|\w*(?:Options|Limits|Policy)\b)/.test(name)

/** The messages of a method have its name, and the protocol describes them. */
const isMessage = ({ name, place }: Documented): boolean =>
  place.startsWith("src/protocol/v2/") && /^\w+(?:Params|Response|Notification)$/.test(name)

/** What is wrong with the documentation of a declaration. */
const faults = (one: Documented): ReadonlyArray<string> => {
  const { around, doc, kind, name, optional, place, type } = one
  const words = name.replace(/^.*\./, "").replaceAll(/(?=[A-Z])/g, " ")
  const text = `${words} ${doc ?? around ?? ""}`
  const rules: ReadonlyArray<readonly [boolean, string]> = [
    [kind !== "member" && doc === undefined && !isMessage(one), "has no doc comment"],
    [
      isNumeric(one) && type.startsWith("number") && !identifier.test(name) && !unit.test(text),
      "does not name its unit"
    ],
    [isNumeric(one) && isOption(one) && optional && !/\bdefault/i.test(text), "does not name its default"]
  ]
  return rules.filter(([broken]) => broken).map(([, fault]) => `${place} ${name} ${fault}`)
}

const faultsIn = (text: string) => declarations(parse("a.ts", text)).flatMap(faults)

describe("the documentation of the API", () => {
  it("is required of each type, option and function, with the unit and the default of a number", () => {
    assert.deepStrictEqual(
      faultsIn(`
        export interface Bare { readonly a?: string }
        /** A doc. */
        export interface AOptions {
          readonly name: string
          /** How long. */
          readonly wait?: Duration.Input
          /** How large. */
          readonly size: number
          /** How large, in bytes. Default: 1. */
          readonly good?: number
        }
        const hidden = (options: { readonly a?: number }) => options
        export const open = (options: { readonly a?: string }) => hidden(options)
        /** A service. */
        export class Service extends Context.Service<Service, { readonly call: (a: string) => void; readonly b: string }>() {}
        /** A class. */
        export class Budget {
          #spent = 0
          open() {}
          #close() {}
          private end() {}
          override get message() { return "" }
        }
      `),
      [
        "a.ts:2 Bare has no doc comment",
        "a.ts:2 Bare.a has no doc comment",
        "a.ts:5 AOptions.name has no doc comment",
        "a.ts:7 AOptions.wait does not name its default",
        "a.ts:9 AOptions.size does not name its unit",
        "a.ts:14 open has no doc comment",
        "a.ts:14 open.a has no doc comment",
        "a.ts:16 Service.call has no doc comment",
        "a.ts:20 Budget.open has no doc comment"
      ]
    )
  })

  it("is complete", () => {
    const api = publicApi()
    assert.isAbove(api.length, 500)
    assert.deepStrictEqual(api.flatMap(faults), [])
  })

  it("has an example for each entry point", () => {
    const without = entryPoints().filter((source) => !(header(source) ?? "").includes("@example"))
    assert.deepStrictEqual(
      without.map(({ file }) => file),
      []
    )
  })
})

// `npm run typecheck` compiles them.
describe("the examples in the documentation", () => {
  it("are found in doc comments and in documents", () => {
    assert.isAbove(snippets().length, 2)

    const text = "/**\n * Text.\n *\n * ```ts\n * const a = {\n *   b: 1\n * }\n * ```\n */\n"
    assert.deepStrictEqual(blocksIn("a.ts", text), [{ place: "a.ts:4", code: "const a = {\n  b: 1\n}\n" }])
    assert.deepStrictEqual(blocksIn("a.md", "# A\n\n```ts\nconst a = 1\n```\n"), [
      { place: "a.md:3", code: "const a = 1\n" }
    ])
    assert.deepStrictEqual(
      moduleOf({ place: "a.md:3", code: "const a = Effect.void.pipe(Effect.provide(Offline.layer))\n" }),
      'import { Effect } from "effect"\nimport { Offline } from "spindle-app-server"\n' +
        "const a = Effect.void.pipe(Effect.provide(Offline.layer))\n\nexport { a }"
    )
  })
})
