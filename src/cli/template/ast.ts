/** An operand, with the fields that are taken from it: `$x.Name`, `(index . 0).Name`. */
export type Operand =
  | { readonly kind: 'dot'; readonly at: number; readonly fields: readonly string[] }
  | {
      readonly kind: 'variable'
      readonly at: number
      readonly name: string
      readonly fields: readonly string[]
    }
  | {
      readonly kind: 'group'
      readonly at: number
      readonly pipeline: Pipeline
      readonly fields: readonly string[]
    }
  | { readonly kind: 'function'; readonly at: number; readonly name: string }
  | { readonly kind: 'literal'; readonly at: number; readonly value: string | number | boolean | null }

/** A function or method with its arguments, or a value alone. */
export interface Call {
  readonly at: number
  readonly first: Operand
  readonly rest: readonly Operand[]
}

/** `$x := a | b c`. */
export interface Pipeline {
  readonly at: number
  readonly variables: readonly string[]
  /** `=`: the variable exists already. */
  readonly assigns: boolean
  readonly calls: readonly Call[]
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly pipeline: Pipeline
      readonly body: readonly Node[]
      readonly otherwise: readonly Node[]
    }
  | { readonly kind: 'break' | 'continue' }
  /** `{{template "name" pipeline}}`, and where a `{{block}}` stands. */
  | {
      readonly kind: 'template'
      readonly at: number
      readonly name: string
      readonly pipeline: Pipeline | undefined
    }

/** A whole text, with what `{{define}}` and `{{block}}` name in it. */
export interface ParsedTemplate {
  readonly nodes: readonly Node[]
  readonly definitions: ReadonlyMap<string, readonly Node[]>
}
