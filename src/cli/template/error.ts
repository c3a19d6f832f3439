import { BryoError } from '../../base/errors.ts'

/** A template that cannot be read or does not fit the data; `at` is the character's index in the text. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly at: number

  constructor(at: number, problem: string) {
    super(problem)
    this.at = at
  }
}

export function templateError(at: number, problem: string): TemplateError {
  return new TemplateError(at, problem)
}

/**
 * Runs a step of reading or filling a template; what goes wrong names line and column, as Go does.
 * @throws BryoError USAGE
 */
export function locateErrors<T>(name: string, source: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    const lines = source.slice(0, error.at).split('\n')
    const place = `${lines.length}:${(lines.at(-1) ?? '').length + 1}`
    throw new BryoError('USAGE', `template: ${name}:${place}: ${error.message}`, { cause: error })
  }
}
