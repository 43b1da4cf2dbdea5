/**
 * The methods of strings, lists and dicts.
 *
 * @module
 */
import { builtin } from "./Signature.ts"
import { errorAt, type Position } from "./StarlarkError.ts"
import { Callable, type CallContext, Dict, isKey, itemsOf, List, print, Tuple, typeName, type Value } from "./Values.ts"

/** The method `name` of `value`. Throws when there is none. */
export const method = (value: Value, name: string, at: Position): Callable => {
  const make =
    typeof value === "string"
      ? Strings.get(name)?.(value)
      : value instanceof List
        ? Lists.get(name)?.(value)
        : value instanceof Dict
          ? Dicts.get(name)?.(value)
          : undefined
  if (make === undefined) throw errorAt(at, `${typeName(value)} has no attribute \`${name}\` here`)
  return make
}

const table = <A>(entries: Readonly<Record<string, (self: A) => Callable>>) => new Map(Object.entries(entries))

const result =
  (name: string, run: (self: string) => string) =>
  (self: string): Callable =>
    builtin(name, [], 0, (_, { budget, position }) => budget.text(run(self), position))

const test =
  (name: string, run: (self: string, other: string) => boolean) =>
  (self: string): Callable =>
    builtin(name, ["prefix"], 1, ({ text }) => run(self, text("prefix")))

const stripped =
  (name: string, left: boolean, right: boolean) =>
  (self: string): Callable =>
    builtin(name, ["chars"], 0, ({ text }, { budget, position }) => {
      const chars = new Set(text("chars", " \t\n\r\v\f"))
      const letters = Array.from(self)
      let [from, to] = [0, letters.length]
      if (left) while (from < to && chars.has(letters[from] ?? "")) from++
      if (right) while (to > from && chars.has(letters[to - 1] ?? "")) to--
      return budget.text(letters.slice(from, to).join(""), position)
    })

const texts = (parts: ReadonlyArray<string>, { budget, position }: CallContext): List => {
  budget.spend(
    parts.reduce((size, part) => size + part.length + 1, 0),
    position
  )
  return new List([...parts])
}

const Strings = table<string>({
  upper: result("upper", (self) => self.toUpperCase()),
  lower: result("lower", (self) => self.toLowerCase()),
  strip: stripped("strip", true, true),
  lstrip: stripped("lstrip", true, false),
  rstrip: stripped("rstrip", false, true),
  startswith: test("startswith", (self, other) => self.startsWith(other)),
  endswith: test("endswith", (self, other) => self.endsWith(other)),
  removeprefix: (self) =>
    builtin("removeprefix", ["prefix"], 1, ({ text }) =>
      self.startsWith(text("prefix")) ? self.slice(text("prefix").length) : self
    ),
  removesuffix: (self) =>
    builtin("removesuffix", ["suffix"], 1, ({ text }) =>
      text("suffix") !== "" && self.endsWith(text("suffix")) ? self.slice(0, -text("suffix").length) : self
    ),
  replace: (self) =>
    builtin("replace", ["old", "new"], 2, ({ text }, { budget, position }) => {
      const [old, replacement] = [text("old"), text("new")]
      if (old === "") throw errorAt(position, "replace needs a text to look for")
      budget.spend(self.length + (self.split(old).length - 1) * replacement.length, position)
      return self.replaceAll(old, () => replacement)
    }),
  split: (self) =>
    builtin("split", ["sep"], 0, ({ get, text }, context) => {
      if (get("sep") === undefined)
        return texts(
          self.split(/\s+/).filter((part) => part !== ""),
          context
        )
      if (text("sep") === "") throw errorAt(context.position, "split needs a separator")
      return texts(self.split(text("sep")), context)
    }),
  splitlines: (self) =>
    builtin("splitlines", [], 0, (_, context) => texts(self.replace(/\n$/, "").split("\n"), context)),
  join: (self) =>
    builtin("join", ["elements"], 1, ({ get }, { budget, position }) => {
      const items = itemsOf(get("elements") ?? null)
      if (items === undefined) throw errorAt(position, "join needs a list of strings")
      const parts = items.map((item) => {
        if (typeof item !== "string") throw errorAt(position, "join needs a list of strings")
        return item
      })
      budget.spend(
        parts.reduce((size, part) => size + part.length + self.length, 0),
        position
      )
      return parts.join(self)
    }),
  format: (self) => new Callable("format", (args, context) => format(self, args, context))
})

const format: (self: string, ...rest: Parameters<Callable["call"]>) => string = (
  self,
  { named, positional },
  { budget, position }
) => {
  let automatic = 0
  const text = self.replace(/\{\{|\}\}|\{(\w*)\}|[{}]/g, (whole: string, field: string | undefined) => {
    if (whole === "{{" || whole === "}}") return whole.charAt(0)
    if (field === undefined) throw errorAt(position, "this format is not supported")
    const value =
      field === "" ? positional[automatic++] : /^\d+$/.test(field) ? positional[Number(field)] : named.get(field)
    if (value === undefined) throw errorAt(position, "the format names a value that is not there")
    return budget.text(print(value, budget, position), position)
  })
  return budget.text(text, position)
}

const Lists = table<List>({
  append: (self) =>
    builtin("append", ["value"], 1, ({ get }, { budget, position }) => {
      budget.spend(1, position)
      self.items.push(get("value") ?? null)
      return null
    }),
  extend: (self) =>
    builtin("extend", ["values"], 1, ({ get }, { budget, position }) => {
      const items = itemsOf(get("values") ?? null)
      if (items === undefined) throw errorAt(position, "extend needs a list")
      budget.spend(items.length, position)
      for (const item of items) self.items.push(item)
      return null
    })
})

const Dicts = table<Dict>({
  get: (self) =>
    builtin("get", ["key", "default"], 1, ({ get }, { position }) => {
      const key = get("key") ?? null
      if (!isKey(key)) throw errorAt(position, `${typeName(key)} is no key`)
      return self.entries.get(key) ?? get("default") ?? null
    }),
  keys: (self) => builtin("keys", [], 0, (_, context) => members(Array.from(self.entries.keys()), context)),
  values: (self) => builtin("values", [], 0, (_, context) => members(Array.from(self.entries.values()), context)),
  items: (self) =>
    builtin("items", [], 0, (_, context) =>
      members(
        Array.from(self.entries, (entry) => new Tuple(entry)),
        context
      )
    )
})

const members = (items: Array<Value>, { budget, position }: CallContext): List => {
  budget.spend(items.length, position)
  return new List(items)
}
