/**
 * The syntax tree of a Starlark file.
 *
 * @module
 */
import type { Position } from "./StarlarkError.ts"

export interface Argument {
  readonly kind: "positional" | "named" | "star" | "doubleStar"
  /** The name of a named argument, else empty. */
  readonly name: string
  readonly value: Expression
}

export interface Parameter {
  readonly kind: "plain" | "star" | "doubleStar"
  readonly name: string
  readonly standard: Expression | undefined
}

/** `for target in iterable`, or `if condition` when there is no target. */
export interface Clause {
  readonly target: Expression | undefined
  readonly value: Expression
}

export type Expression = Position &
  (
    | { readonly type: "literal"; readonly value: string | number | boolean | null }
    | { readonly type: "name"; readonly name: string }
    | { readonly type: "list" | "tuple"; readonly items: ReadonlyArray<Expression> }
    | { readonly type: "dict"; readonly entries: ReadonlyArray<readonly [Expression, Expression]> }
    | {
        readonly type: "comprehension"
        /** Present in a dict comprehension. */
        readonly key: Expression | undefined
        readonly value: Expression
        readonly clauses: ReadonlyArray<Clause>
      }
    | { readonly type: "unary"; readonly operator: string; readonly operand: Expression }
    | { readonly type: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
    | {
        readonly type: "conditional"
        readonly condition: Expression
        readonly when: Expression
        readonly otherwise: Expression
      }
    | { readonly type: "lambda"; readonly parameters: ReadonlyArray<Parameter>; readonly body: Expression }
    | { readonly type: "call"; readonly callee: Expression; readonly args: ReadonlyArray<Argument> }
    | { readonly type: "attribute"; readonly target: Expression; readonly name: string }
    | { readonly type: "index"; readonly target: Expression; readonly index: Expression }
    | {
        readonly type: "slice"
        readonly target: Expression
        readonly from: Expression | undefined
        readonly to: Expression | undefined
      }
  )

export type Statement = Position &
  (
    | { readonly type: "expression"; readonly value: Expression }
    | { readonly type: "assign"; readonly target: Expression; readonly value: Expression }
    | { readonly type: "augment"; readonly operator: string; readonly target: Expression; readonly value: Expression }
    | {
        readonly type: "if"
        readonly condition: Expression
        readonly when: ReadonlyArray<Statement>
        readonly otherwise: ReadonlyArray<Statement>
      }
    | {
        readonly type: "for"
        readonly target: Expression
        readonly iterable: Expression
        readonly body: ReadonlyArray<Statement>
      }
    | {
        readonly type: "def"
        readonly name: string
        readonly parameters: ReadonlyArray<Parameter>
        readonly body: ReadonlyArray<Statement>
      }
    | { readonly type: "return"; readonly value: Expression | undefined }
    | { readonly type: "break" | "continue" | "pass" }
  )
