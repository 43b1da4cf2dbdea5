/**
 * The functions that every Starlark file may call.
 *
 * @module
 */
import { compare } from "./Operators.ts"
import { builtin } from "./Signature.ts"
import { errorAt } from "./StarlarkError.ts"
import {
  type Callable,
  type CallContext,
  isTrue,
  itemsOf,
  List,
  print,
  repr,
  Tuple,
  typeName,
  type Value
} from "./Values.ts"

const items = (value: Value | undefined, { position }: CallContext): ReadonlyArray<Value> => {
  const found = itemsOf(value ?? null)
  if (found === undefined) throw errorAt(position, `${typeName(value ?? null)} has no members to go over`)
  return found
}

const list = (values: ReadonlyArray<Value>, { budget, position }: CallContext): List => {
  budget.spend(values.length, position)
  return new List([...values])
}

const overItems = (name: string, run: (values: ReadonlyArray<Value>, context: CallContext) => Value): Callable =>
  builtin(name, ["values"], 1, ({ get }, context) => run(items(get("values"), context), context))

const ofOne = (name: string, run: (value: Value, context: CallContext) => Value): Callable =>
  builtin(name, ["value"], 1, ({ get }, context) => run(get("value") ?? null, context))

const range = builtin("range", ["start", "stop", "step"], 1, ({ get, int }, context) => {
  const from = get("stop") === undefined ? 0 : int("start")
  const to = get("stop") === undefined ? int("start") : int("stop")
  const step = int("step", 1)
  if (step === 0) throw errorAt(context.position, "the step of a range is not 0")
  const count = Math.max(0, Math.ceil((to - from) / step))
  context.budget.spend(count, context.position)
  return new List(Array.from({ length: count }, (_, index) => from + index * step))
})

const sorted = (values: ReadonlyArray<Value>, context: CallContext): List => {
  const copy = list(values, context)
  copy.items.sort((left, right) => {
    context.budget.step(context.position)
    return compare(left, right, context.position)
  })
  return copy
}

const Functions: ReadonlyArray<Callable> = [
  range,
  ofOne("len", (value, context) =>
    typeof value === "string" ? Array.from(value).length : items(value, context).length
  ),
  ofOne("str", (value, { budget, position }) => print(value, budget, position)),
  ofOne("repr", (value, { budget, position }) => repr(value, budget, position)),
  ofOne("bool", isTrue),
  ofOne("type", typeName),
  ofOne("int", (value, { position }) => {
    if (typeof value === "number") return value
    const number = typeof value === "string" && /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(number)) throw errorAt(position, "not an int")
    return number
  }),
  ofOne("fail", (value, { budget, position }) => {
    throw errorAt(position, `fail: ${print(value, budget, position).slice(0, 200)}`)
  }),
  builtin("list", ["values"], 0, ({ get }, context) =>
    list(get("values") === undefined ? [] : items(get("values"), context), context)
  ),
  builtin("tuple", ["values"], 0, ({ get }, context) =>
    get("values") === undefined ? new Tuple([]) : new Tuple(list(items(get("values"), context), context).items)
  ),
  overItems("sorted", sorted),
  overItems("reversed", (values, context) => list(values.toReversed(), context)),
  overItems("any", (values) => values.some(isTrue)),
  overItems("all", (values) => values.every(isTrue)),
  overItems("enumerate", (values, context) =>
    list(
      values.map((value, index) => new Tuple([index, value])),
      context
    )
  ),
  builtin("zip", ["left", "right"], 2, ({ get }, context) => {
    const right = items(get("right"), context)
    return list(
      items(get("left"), context)
        .slice(0, right.length)
        .map((value, index) => new Tuple([value, right[index] ?? null])),
      context
    )
  })
]

export const builtins: ReadonlyMap<string, Value> = new Map(Functions.map((value) => [value.name, value]))
