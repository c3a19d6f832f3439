import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { BryoError, isErrno, unlessErrno } from '../../base/errors.ts'
import type { LogConfig } from '../../base/logConfig.ts'

/**
 * Finds what would keep the log from being opened, before there is a container.
 * @throws BryoError USAGE, UNSUPPORTED, PERMISSION
 */
export function checkLogConfig({ driver, path }: Pick<LogConfig, 'driver' | 'path'>): void {
  if (driver === 'journald') checkJournal(path)
  else if (driver === 'k8s-file' || driver === 'json-file') checkFile(path)
}

function checkJournal(path: string): void {
  if (statOf(path)?.isSocket()) return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot log to journald: "${path}" is no socket, expected systemd-journald to run`,
    {
      hint: 'choose --log-driver k8s-file or json-file on a host without systemd',
    },
  )
}

function checkFile(path: string): void {
  const found = statOf(path)
  if (found?.isDirectory()) {
    throw new BryoError('USAGE', `cannot log to "${path}": it is a directory, expected a file`)
  }
  const directory = dirname(path)
  if (!found && !statOf(directory)?.isDirectory()) {
    throw new BryoError('USAGE', `cannot log to "${path}": there is no directory "${directory}"`)
  }
  try {
    accessSync(found ? path : directory, constants.W_OK)
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EROFS')) throw error
    throw new BryoError('PERMISSION', `cannot log to "${path}": it may not be written by this user`, {
      cause: error,
    })
  }
}

function statOf(path: string) {
  return unlessErrno(
    () => statSync(path, { throwIfNoEntry: false }),
    'EACCES',
    'ENOTDIR',
    'ENAMETOOLONG',
    'ELOOP',
  )
}
