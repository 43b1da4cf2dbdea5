/**
 * Evaluates Starlark expressions: scopes, calls, comprehensions.
 *
 * @module
 */
import type { Budget } from "./Budget.ts"
import { method } from "./Methods.ts"
import { binary, index, slice, unary } from "./Operators.ts"
import { errorAt, type Position } from "./StarlarkError.ts"
import type { Argument, Clause, Expression, Parameter, Statement } from "./Syntax.ts"
import { type Arguments, Callable, Dict, isKey, isTrue, itemsOf, List, Tuple, typeName, type Value } from "./Values.ts"

export interface Scope {
  readonly values: Map<string, Value>
  readonly parent: Scope | undefined
}

export abstract class Expressions {
  protected readonly budget: Budget

  constructor(budget: Budget) {
    this.budget = budget
  }

  /** Runs the body of a function; null when it returns nothing. */
  protected abstract runBody(body: ReadonlyArray<Statement>, scope: Scope): Value

  protected evaluate(node: Expression, scope: Scope): Value {
    this.budget.step(node)
    switch (node.type) {
      case "literal":
        return node.value
      case "name":
        return lookUp(node.name, scope, node)
      case "list":
      case "tuple": {
        const items = node.items.map((item) => this.evaluate(item, scope))
        this.budget.spend(items.length, node)
        return node.type === "list" ? new List(items) : new Tuple(items)
      }
      case "dict": {
        const dict = new Dict()
        for (const [key, value] of node.entries) this.#put(dict, key, value, scope)
        return dict
      }
      case "comprehension":
        return this.#comprehension(node, scope)
      case "unary":
        return unary(node.operator, this.evaluate(node.operand, scope), node)
      case "binary":
        return this.#binary(node, scope)
      case "conditional":
        return this.evaluate(this.test(node.condition, scope) ? node.when : node.otherwise, scope)
      case "lambda": {
        const body: Statement = { type: "return", value: node.body, line: node.body.line, column: node.body.column }
        return this.define("lambda", node.parameters, [body], scope)
      }
      case "call":
        return this.#call(node, scope)
      case "attribute":
        return method(this.evaluate(node.target, scope), node.name, node)
      case "index":
        return index(this.evaluate(node.target, scope), this.evaluate(node.index, scope), node)
      case "slice": {
        const bound = (side: Expression | undefined) => (side === undefined ? undefined : this.evaluate(side, scope))
        return slice(this.evaluate(node.target, scope), bound(node.from), bound(node.to), this.budget, node)
      }
    }
  }

  protected test(node: Expression, scope: Scope): boolean {
    return isTrue(this.evaluate(node, scope))
  }

  protected iterate(node: Expression, scope: Scope): ReadonlyArray<Value> {
    const value = this.evaluate(node, scope)
    const items = itemsOf(value)
    if (items === undefined) throw errorAt(node, `${typeName(value)} has no members to go over`)
    return items
  }

  protected assign(target: Expression, value: Value, scope: Scope): void {
    if (target.type === "name") scope.values.set(target.name, value)
    else if (target.type === "tuple" || target.type === "list") {
      const items = itemsOf(value)
      if (items?.length !== target.items.length) {
        throw errorAt(target, `${target.items.length} names for ${items === undefined ? "one" : items.length} values`)
      }
      target.items.forEach((item, at) => this.assign(item, items[at] ?? null, scope))
    } else if (target.type === "index") {
      this.#assignMember(this.evaluate(target.target, scope), this.evaluate(target.index, scope), value, target)
    } else throw errorAt(target, "cannot be assigned to")
  }

  protected define(
    name: string,
    parameters: ReadonlyArray<Parameter>,
    body: ReadonlyArray<Statement>,
    scope: Scope
  ): Callable {
    const standards = parameters.map(({ standard }) =>
      standard === undefined ? undefined : this.evaluate(standard, scope)
    )
    return new Callable(name, (args, { position }) =>
      this.budget.nested(position, () =>
        this.runBody(body, { values: bind(name, parameters, standards, args, position), parent: scope })
      )
    )
  }

  #assignMember(target: Value, key: Value, value: Value, at: Position): void {
    if (target instanceof Dict && isKey(key)) {
      this.budget.spend(1, at)
      target.entries.set(key, value)
      return
    }
    if (!(target instanceof List) || typeof key !== "number") throw errorAt(at, "cannot be assigned to")
    const place = key < 0 ? target.items.length + key : key
    if (!(place in target.items)) throw errorAt(at, `index ${key} is out of range`)
    target.items[place] = value
  }

  #put(dict: Dict, key: Expression, value: Expression, scope: Scope): void {
    const name = this.evaluate(key, scope)
    if (!isKey(name)) throw errorAt(key, `${typeName(name)} is no key`)
    this.budget.spend(1, key)
    dict.entries.set(name, this.evaluate(value, scope))
  }

  #binary(node: Extract<Expression, { type: "binary" }>, scope: Scope): Value {
    const left = this.evaluate(node.left, scope)
    if (node.operator === "or") return isTrue(left) ? left : this.evaluate(node.right, scope)
    if (node.operator === "and") return isTrue(left) ? this.evaluate(node.right, scope) : left
    return binary(node.operator, left, this.evaluate(node.right, scope), this.budget, node)
  }

  #comprehension(node: Extract<Expression, { type: "comprehension" }>, scope: Scope): Value {
    const inner: Scope = { values: new Map(), parent: scope }
    if (node.key === undefined) {
      const items: Array<Value> = []
      this.#clauses(node.clauses, inner, () => {
        this.budget.spend(1, node)
        items.push(this.evaluate(node.value, inner))
      })
      return new List(items)
    }
    const { key } = node
    const dict = new Dict()
    this.#clauses(node.clauses, inner, () => this.#put(dict, key, node.value, inner))
    return dict
  }

  #clauses(clauses: ReadonlyArray<Clause>, scope: Scope, each: () => void): void {
    const [first, ...rest] = clauses
    if (first === undefined) return each()
    const { target } = first
    if (target === undefined) {
      if (this.test(first.value, scope)) this.#clauses(rest, scope, each)
      return
    }
    for (const item of this.iterate(first.value, scope)) {
      this.budget.step(target)
      this.assign(target, item, scope)
      this.#clauses(rest, scope, each)
    }
  }

  #call(node: Extract<Expression, { type: "call" }>, scope: Scope): Value {
    const callee = this.evaluate(node.callee, scope)
    if (!(callee instanceof Callable)) throw errorAt(node, `${typeName(callee)} cannot be called`)
    return callee.call(this.#arguments(node.args, scope), { budget: this.budget, position: node.callee })
  }

  #arguments(args: ReadonlyArray<Argument>, scope: Scope): Arguments {
    const positional: Array<Value> = []
    const named = new Map<string, Value>()
    const name = (key: string, value: Value, at: Position): void => {
      if (named.has(key)) throw errorAt(at, `argument \`${key}\` is given twice`)
      named.set(key, value)
    }
    for (const { kind, name: key, value: node } of args) {
      if (kind === "star") {
        const items = this.iterate(node, scope)
        this.budget.spend(items.length, node)
        for (const item of items) positional.push(item)
        continue
      }
      const value = this.evaluate(node, scope)
      if (kind === "positional") positional.push(value)
      else if (kind === "named") name(key, value, node)
      else if (value instanceof Dict) for (const [entry, member] of value.entries) name(String(entry), member, node)
      else throw errorAt(node, "`**` needs a dict")
    }
    return { positional, named }
  }
}

const lookUp = (name: string, scope: Scope, at: Position): Value => {
  for (let here: Scope | undefined = scope; here !== undefined; here = here.parent) {
    const value = here.values.get(name)
    if (value !== undefined) return value
  }
  throw errorAt(at, `variable \`${name}\` not found`)
}

const bind = (
  name: string,
  parameters: ReadonlyArray<Parameter>,
  standards: ReadonlyArray<Value | undefined>,
  args: Arguments,
  at: Position
): Map<string, Value> => {
  const values = new Map<string, Value>()
  const positional = [...args.positional]
  const named = new Map(args.named)
  let isAfterStar = false
  parameters.forEach((parameter, place) => {
    if (parameter.kind === "star") {
      isAfterStar = true
      values.set(parameter.name, new Tuple(positional.splice(0)))
      return
    }
    if (parameter.kind === "doubleStar") {
      const rest = new Dict()
      for (const [key, value] of named) rest.entries.set(key, value)
      named.clear()
      values.set(parameter.name, rest)
      return
    }
    const given = isAfterStar ? undefined : positional.shift()
    if (given !== undefined && named.has(parameter.name)) {
      throw errorAt(at, `argument \`${parameter.name}\` of ${name} is given twice`)
    }
    const value = given ?? (given === null ? null : (named.get(parameter.name) ?? standards[place]))
    if (value === undefined) throw errorAt(at, `missing argument \`${parameter.name}\` of ${name}`)
    named.delete(parameter.name)
    values.set(parameter.name, value)
  })
  if (positional.length > 0 || named.size > 0) throw errorAt(at, `too many arguments for ${name}`)
  return values
}
