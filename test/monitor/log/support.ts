import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { LogConfig } from '../../../src/base/logConfig.ts'

/** 2026-11-03T12:34:56.123456789Z */
export const AT = 1_793_709_296_123_456_789n

/** A directory that goes with the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'bryo-log-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export function logConfig(changes: Partial<LogConfig> & { readonly path: string }): LogConfig {
  return {
    driver: 'k8s-file',
    maxFiles: 2,
    attributes: {},
    containerId: 'abc123'.padEnd(64, '0'),
    containerName: 'web',
    image: 'localhost/app:latest',
    ...changes,
  }
}
