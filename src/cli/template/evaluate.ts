import { assertNever } from '../../base/assert.ts'
import { messageOf } from '../../base/errors.ts'
import { isObject } from '../../base/json.ts'
import type { Call, Node, Operand, ParsedTemplate, Pipeline } from './ast.ts'
import { templateError } from './error.ts'
import type { TemplateFunction } from './functions.ts'
import { timeField } from './time.ts'
import { isDictionary, isTruthy, NO_VALUE, printValue, typeName } from './value.ts'

/** What a template is evaluated with. */
export interface Environment {
  readonly functions: Readonly<Record<string, TemplateFunction>>
  /** The value of a field; it throws an Error where there is none. */
  readonly field: (value: unknown, name: string) => unknown
}

/** Templates that call each other go no deeper. */
const MAX_CALLS = 100
/** `{{range 3}}` counts no further: a template cannot fill the memory. */
const MAX_RANGE = 65_536

/**
 * The text that the template makes of the data.
 * @throws TemplateError where it asks for what the data does not have
 */
export function evaluate(template: ParsedTemplate, data: unknown, environment: Environment): string {
  const { definitions } = template
  const scope: Scope = { environment, definitions, dot: data, variables: [['$', data]], output: [], calls: 0 }
  runNodes(template.nodes, scope)
  return scope.output.join('')
}

/** A field of a record, a key of a map, what a time knows of itself. */
export function dataField(value: unknown, name: string): unknown {
  if (value === null || value === undefined || value === NO_VALUE)
    throw new Error(`nil data; no entry for key "${name}"`)
  const ofTime = typeof value === 'string' ? timeField(value, name) : undefined
  if (ofTime !== undefined) return ofTime
  if (!isObject(value)) throw new Error(`can't evaluate field ${name} in type ${typeName(value)}`)
  if (Object.hasOwn(value, name)) return value[name]
  if (isDictionary(value)) return NO_VALUE
  throw new Error(`can't evaluate field ${name}, expected one of ${Object.keys(value).join(', ')}`)
}

interface Scope {
  readonly environment: Environment
  readonly definitions: ParsedTemplate['definitions']
  readonly dot: unknown
  /** The innermost last; a block drops what it declared. */
  readonly variables: [name: string, value: unknown][]
  readonly output: string[]
  /** How many `{{template}}` are around. */
  readonly calls: number
}

type Jump = 'break' | 'continue' | undefined

function runNodes(nodes: readonly Node[], scope: Scope): Jump {
  for (const node of nodes) {
    const jump = runNode(node, scope)
    if (jump !== undefined) return jump
  }
  return undefined
}

function runNode(node: Node, scope: Scope): Jump {
  switch (node.kind) {
    case 'text':
      scope.output.push(node.text)
      return undefined
    case 'output': {
      const value = runPipeline(node.pipeline, scope)
      if (node.pipeline.variables.length === 0) scope.output.push(printOutput(value))
      return undefined
    }
    case 'break':
    case 'continue':
      return node.kind
    case 'if':
    case 'with':
      return runCondition(node, scope)
    case 'range':
      runRange(node, scope)
      return undefined
    case 'template':
      runTemplate(node, scope)
      return undefined
    default:
      return assertNever(node)
  }
}

/** A field without a value is `<no value>` where it is printed, and `<nil>` inside of lists. */
function printOutput(value: unknown): string {
  return value === undefined || value === null ? '<no value>' : printValue(value)
}

type Block = Extract<Node, { readonly body: readonly Node[] }>

function runCondition(node: Block, scope: Scope): Jump {
  const mark = scope.variables.length
  const value = runPipeline(node.pipeline, scope)
  const truthy = isTruthy(value)
  const dot = node.kind === 'with' && truthy ? value : scope.dot
  const jump = runNodes(truthy ? node.body : node.otherwise, { ...scope, dot })
  scope.variables.length = mark
  return jump
}

/** With its own dot, and no variables but `$`. */
function runTemplate(node: Extract<Node, { readonly kind: 'template' }>, scope: Scope): void {
  const nodes = scope.definitions.get(node.name)
  if (!nodes) throw templateError(node.at, `template "${node.name}" not defined`)
  const calls = scope.calls + 1
  if (calls > MAX_CALLS) throw templateError(node.at, `templates call each other more than ${MAX_CALLS} deep`)
  const dot = node.pipeline && runPipeline(node.pipeline, scope)
  runNodes(nodes, { ...scope, dot, variables: [['$', dot]], calls })
}

function runRange(node: Block, scope: Scope): void {
  const mark = scope.variables.length
  const { variables, assigns, at } = node.pipeline
  const value = runPipeline({ ...node.pipeline, variables: [] }, scope)
  const entries = rangeEntries(value, at)
  for (const [key, item] of entries) {
    scope.variables.length = mark
    const [first, second] = variables
    if (first !== undefined) {
      setVariable(scope, first, second === undefined ? item : key, assigns, at)
    }
    if (second !== undefined) setVariable(scope, second, item, assigns, at)
    if (runNodes(node.body, { ...scope, dot: item }) === 'break') break
  }
  scope.variables.length = mark
  if (entries.length === 0) runNodes(node.otherwise, scope)
}

function rangeEntries(value: unknown, at: number): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return value.map((item: unknown, index) => [index, item])
  if (isDictionary(value)) {
    return Object.keys(value)
      .sort()
      .map((key) => [key, value[key]])
  }
  if (value === null || value === undefined || value === NO_VALUE) return []
  if (typeof value === 'number' && Number.isInteger(value) && value <= MAX_RANGE) {
    return Array.from({ length: Math.max(0, value) }, (_, index) => [index, index])
  }
  throw templateError(at, `range can't iterate over ${printValue(value)}`)
}

function setVariable(scope: Scope, name: string, value: unknown, assigns: boolean, at: number): void {
  if (!assigns) {
    scope.variables.push([name, value])
    return
  }
  const variable = scope.variables.findLast(([known]) => known === name)
  if (!variable) throw templateError(at, `undefined variable "${name}"`)
  variable[1] = value
}

function runPipeline(pipeline: Pipeline, scope: Scope): unknown {
  let value: unknown
  let piped: readonly unknown[] = []
  for (const call of pipeline.calls) {
    value = runCall(call, piped, scope)
    piped = [value]
  }
  for (const name of pipeline.variables) setVariable(scope, name, value, pipeline.assigns, pipeline.at)
  return value
}

function runCall(call: Call, piped: readonly unknown[], scope: Scope): unknown {
  if (call.first.kind === 'function') return callFunction(call, call.first.name, piped, scope)
  const value = operandValue(call.first, scope)
  const given = call.rest.length + piped.length
  if (typeof value !== 'function') {
    if (given > 0) throw templateError(call.at, `${describe(call.first)} is not a function`)
    return value
  }
  const args = [...call.rest.map((operand) => operandValue(operand, scope)), ...piped]
  return invoke(call.at, describe(call.first), () => Reflect.apply(value, undefined, args))
}

function callFunction(call: Call, name: string, piped: readonly unknown[], scope: Scope): unknown {
  if (name === 'and' || name === 'or') return runLogic(call, name, piped, scope)
  const found = scope.environment.functions[name]
  if (!found) throw templateError(call.at, `function "${name}" not defined`)
  const args = [...call.rest.map((operand) => operandValue(operand, scope)), ...piped]
  return invoke(call.at, name, () => found(...args))
}

/** `and` and `or` look at no more arguments than they need. */
function runLogic(call: Call, name: 'and' | 'or', piped: readonly unknown[], scope: Scope): unknown {
  let value: unknown
  if (call.rest.length + piped.length === 0) throw templateError(call.at, `${name} needs an argument`)
  for (const operand of call.rest) {
    value = operandValue(operand, scope)
    if (isTruthy(value) === (name === 'or')) return value
  }
  return piped.length === 0 ? value : piped[0]
}

function invoke(at: number, name: string, action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    throw templateError(at, `${name}: ${messageOf(error)}`)
  }
}

function describe(operand: Operand): string {
  if (operand.kind === 'dot') return `.${operand.fields.join('.')}`
  if (operand.kind === 'literal') return String(operand.value)
  return operand.kind === 'group' ? 'the value in parentheses' : operand.name
}

function operandValue(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal':
      return operand.value
    case 'function':
      return callFunction({ at: operand.at, first: operand, rest: [] }, operand.name, [], scope)
    case 'dot':
      return takeFields(scope.dot, operand, scope)
    case 'variable': {
      const variable = scope.variables.findLast(([name]) => name === operand.name)
      if (!variable) throw templateError(operand.at, `undefined variable "${operand.name}"`)
      return takeFields(variable[1], operand, scope)
    }
    case 'group':
      return takeFields(runPipeline(operand.pipeline, scope), operand, scope)
    default:
      return assertNever(operand)
  }
}

function takeFields(
  start: unknown,
  operand: { readonly at: number; readonly fields: readonly string[] },
  scope: Scope,
): unknown {
  let value = start
  for (const name of operand.fields) {
    try {
      value = scope.environment.field(value, name)
    } catch (error) {
      throw templateError(operand.at, messageOf(error))
    }
  }
  return value
}
