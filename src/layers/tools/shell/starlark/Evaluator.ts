/**
 * Runs a Starlark file: a documented subset of the language, within limits.
 *
 * Supported: strings (quoted, triple-quoted, raw), ints, booleans, None, lists, tuples, dicts, `+ - * // %`, comparisons,
 * `in`, `and`, `or`, `not`, conditional expressions, indexes and slices without a step, list and dict comprehensions,
 * assignments (to names, tuples and members, also augmented), `if`, `for`, `break`, `continue`, `pass`, `def` with defaults,
 * `*args` and `**kwargs`, `lambda`, `return`, and the functions and methods of `Builtins` and `Methods`. Everything else is
 * refused with its line: `load`, `print`, `while`, f-strings, byte strings, floats, type annotations, sets, chained
 * comparisons, recursion deeper than 64 calls.
 *
 * @module
 */
import { Budget } from "./Budget.ts"
import { builtins } from "./Builtins.ts"
import { Expressions, type Scope } from "./Evaluation.ts"
import { parse } from "./Parser.ts"
import { errorAt, limitAt } from "./StarlarkError.ts"
import type { Statement } from "./Syntax.ts"
import { binary } from "./Operators.ts"
import { type Callable, itemsOf, List, type Value } from "./Values.ts"

type Outcome = { readonly type: "break" | "continue" } | { readonly type: "return"; readonly value: Value } | undefined

class Evaluator extends Expressions {
  protected runBody(body: ReadonlyArray<Statement>, scope: Scope): Value {
    const outcome = this.run(body, scope)
    return outcome?.type === "return" ? outcome.value : null
  }

  run(statements: ReadonlyArray<Statement>, scope: Scope): Outcome {
    for (const statement of statements) {
      const outcome = this.#statement(statement, scope)
      if (outcome !== undefined) return outcome
    }
    return undefined
  }

  #statement(statement: Statement, scope: Scope): Outcome {
    this.budget.step(statement)
    switch (statement.type) {
      case "expression":
        this.evaluate(statement.value, scope)
        return undefined
      case "assign":
        this.assign(statement.target, this.evaluate(statement.value, scope), scope)
        return undefined
      case "augment":
        this.#augment(statement, scope)
        return undefined
      case "if": {
        const holds = this.test(statement.condition, scope)
        return this.run(holds ? statement.when : statement.otherwise, scope)
      }
      case "for":
        return this.#loop(statement, scope)
      case "def":
        scope.values.set(statement.name, this.define(statement.name, statement.parameters, statement.body, scope))
        return undefined
      case "return":
        return {
          type: "return",
          value: statement.value === undefined ? null : this.evaluate(statement.value, scope)
        }
      case "pass":
        return undefined
      default:
        return { type: statement.type }
    }
  }

  #augment(statement: Extract<Statement, { type: "augment" }>, scope: Scope): void {
    const { operator, target } = statement
    if (target.type !== "name" && target.type !== "index") throw errorAt(target, "cannot be assigned to")
    if (target.type === "name" && !scope.values.has(target.name)) {
      throw errorAt(target, `variable \`${target.name}\` is not assigned in this function`)
    }
    const before = this.evaluate(target, scope)
    const value = this.evaluate(statement.value, scope)
    const items = itemsOf(value)
    if (operator === "+" && before instanceof List && items !== undefined) {
      this.budget.spend(items.length, statement)
      for (const item of items) before.items.push(item)
      return
    }
    this.assign(target, binary(operator, before, value, this.budget, statement), scope)
  }

  #loop(statement: Extract<Statement, { type: "for" }>, scope: Scope): Outcome {
    for (const item of this.iterate(statement.iterable, scope)) {
      this.budget.step(statement)
      this.assign(statement.target, item, scope)
      const outcome = this.run(statement.body, scope)
      if (outcome?.type === "return") return outcome
      if (outcome?.type === "break") return undefined
    }
    return undefined
  }
}

/** Runs `source`, which may call `functions`. Throws a `StarlarkError`, also for an exceeded limit. */
export const run = (source: string, functions: ReadonlyArray<Callable>): void => {
  const globals: Scope = {
    values: new Map(),
    parent: {
      values: new Map([...builtins, ...functions.map((value) => [value.name, value] as const)]),
      parent: undefined
    }
  }
  try {
    new Evaluator(new Budget()).run(parse(source), globals)
  } catch (error) {
    if (error instanceof RangeError) throw limitAt({ line: 1, column: 1 }, "nested too deeply")
    throw error
  }
}
