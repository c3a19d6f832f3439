import { writeSync } from 'node:fs'
import { BryoError, messageOf } from '../../base/errors.ts'
import { SyscallError } from '../../syscall/error.ts'
import { type StageFailure, sendMessage } from '../messages.ts'

let current = ''
let debugging = false
let startedAt = 0

/** Step names with their time go to stderr when on. */
export function setStepDebugging(on: boolean): void {
  debugging = on
  startedAt = performance.now()
}

/** Runs a part of the container's set-up under a name, which an error then carries. */
export function step<T>(name: string, run: () => T): T {
  const outer = current
  current = name
  const from = performance.now()
  const result = run()
  current = outer
  if (debugging) traceStep(name, from)
  return result
}

function traceStep(name: string, from: number): void {
  const now = performance.now()
  writeSync(2, `bryo: ${(now - startedAt).toFixed(2)} ms ${name} (${(now - from).toFixed(2)} ms)\n`)
}

/** Reports an error of the current step to the waiting process. */
export function reportFailure(controlFd: number, error: unknown): void {
  sendMessage(controlFd, describeFailure(error))
}

/** Names of a user or an image may be of any length, a message may not. */
const MAX_CHARACTERS = 4000

function describeFailure(error: unknown): StageFailure {
  const message = messageOf(error).slice(0, MAX_CHARACTERS)
  if (error instanceof BryoError) {
    const hint = error.hint === undefined ? {} : { hint: error.hint }
    return { kind: 'failed', step: '', message, code: error.code, ...hint }
  }
  const errno =
    error instanceof SyscallError || (error instanceof Error && 'code' in error)
      ? { errno: String(error.code) }
      : {}
  return { kind: 'failed', step: current.slice(0, MAX_CHARACTERS), message, ...errno }
}
