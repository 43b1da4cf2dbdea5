/**
 * Assigns the arguments of a built-in call to its parameters.
 *
 * @module
 */
import { errorAt } from "./StarlarkError.ts"
import { type Arguments, Callable, type CallContext, typeName, type Value } from "./Values.ts"

/** The arguments of one call, by parameter. A reader refuses what has the wrong type, by the parameter's name. */
export interface Bound {
  readonly get: (name: string) => Value | undefined
  readonly text: (name: string, standard?: string) => string
  readonly int: (name: string, standard?: number) => number
}

/** A built-in with named parameters. `required` of them, from the left, must be there. */
export const builtin = (
  name: string,
  parameters: ReadonlyArray<string>,
  required: number,
  run: (bound: Bound, context: CallContext) => Value
): Callable =>
  new Callable(name, (args, context) => {
    const values = bind(name, parameters, required, args, context)
    const wrong = (parameter: string, expected: string) => {
      const value = values.get(parameter)
      return errorAt(
        context.position,
        value === undefined
          ? `missing parameter \`${parameter}\` of ${name}`
          : `parameter \`${parameter}\` of ${name} must be ${expected}, not ${typeName(value)}`
      )
    }
    return run(
      {
        get: (parameter) => values.get(parameter),
        text: (parameter, standard) => {
          const value = values.get(parameter) ?? (values.has(parameter) ? null : (standard ?? null))
          if (typeof value !== "string") throw wrong(parameter, "a string")
          return value
        },
        int: (parameter, standard) => {
          const value = values.get(parameter) ?? (values.has(parameter) ? null : (standard ?? null))
          if (typeof value !== "number") throw wrong(parameter, "an int")
          return value
        }
      },
      context
    )
  })

const bind = (
  name: string,
  parameters: ReadonlyArray<string>,
  required: number,
  { named, positional }: Arguments,
  { position }: CallContext
): ReadonlyMap<string, Value> => {
  if (positional.length > parameters.length) throw errorAt(position, `too many arguments for ${name}`)
  const values = new Map<string, Value>()
  positional.forEach((value, at) => values.set(parameters[at] ?? "", value))
  for (const [parameter, value] of named) {
    if (!parameters.includes(parameter)) throw errorAt(position, `${name} has no parameter \`${parameter}\``)
    if (values.has(parameter)) throw errorAt(position, `parameter \`${parameter}\` of ${name} is given twice`)
    values.set(parameter, value)
  }
  for (const parameter of parameters.slice(0, required)) {
    if (!values.has(parameter)) throw errorAt(position, `missing parameter \`${parameter}\` of ${name}`)
  }
  return values
}
