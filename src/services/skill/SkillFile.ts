/**
 * The front matter of a skill's file, `SKILL.md`.
 *
 * @module
 */
import * as Result from "effect/Result"
import { isTooDeep } from "../../protocol/jsonrpc/JsonText.ts"

/** What the front matter says of a skill. */
export interface SkillHeader {
  readonly name: string
  readonly description: string
  readonly shortDescription?: string
}

/** Limits in characters. */
export const MaxName = 64
export const MaxDescription = 1024

const frontMatter = /^\uFEFF?---[ \t]*\r?\n([^]*?)\r?\n---[ \t]*(?:\r?\n|$)/

const textIn = (table: unknown, key: string): string | undefined => {
  const value = typeof table === "object" && table !== null ? Reflect.get(table, key) : undefined
  return typeof value === "string" && value.trim() !== "" ? value.trim().replace(/\s+/g, " ") : undefined
}

const childOf = (table: unknown, key: string): unknown =>
  typeof table === "object" && table !== null ? Reflect.get(table, key) : undefined

/** The header of a file, with the name of its folder as the default. A failure is the text for the user. */
export const parseHeader = (
  source: string,
  folder: string,
  parseYaml: (text: string) => unknown
): Result.Result<SkillHeader, string> => {
  const text = frontMatter.exec(source)?.[1]
  if (text === undefined) return Result.fail("missing YAML frontmatter delimited by ---")
  let table: unknown
  try {
    table = isTooDeep(text) ? undefined : parseYaml(text)
  } catch {
    table = undefined
  }
  const name = textIn(table, "name") ?? folder
  const description = textIn(table, "description")
  if (name.length > MaxName) return Result.fail(`invalid name: exceeds maximum length of ${MaxName} characters`)
  if (description === undefined) return Result.fail("missing field `description`")
  if (description.length > MaxDescription) {
    return Result.fail(`invalid description: exceeds maximum length of ${MaxDescription} characters`)
  }
  const shortDescription = textIn(childOf(table, "metadata"), "short-description")
  return Result.succeed({ name, description, ...(shortDescription === undefined ? {} : { shortDescription }) })
}
