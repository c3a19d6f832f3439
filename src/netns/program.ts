import { accessSync, constants } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'
import { findProgram } from '../base/findProgram.ts'

const PACKAGE = { slirp4netns: 'slirp4netns', pasta: 'passt' } as const

export type NetworkProgram = keyof typeof PACKAGE

/**
 * The absolute path of a network helper: /usr/bin first, then the absolute directories of `searchPath` ($PATH).
 * @throws BryoError TOOL_MISSING
 */
export function findNetworkProgram(name: NetworkProgram, searchPath: string | undefined): string {
  const path = findProgram(name, searchPath)
  if (path !== undefined) return path
  throw new BryoError('TOOL_MISSING', `cannot set up the network: the program "${name}" is not installed`, {
    hint: `install the package ${PACKAGE[name]}, or run without network: --network none`,
  })
}

const TUN = '/dev/net/tun'

/** Both helpers open the tun device as the calling user. @throws BryoError DEVICE_MISSING */
export function checkTunDevice(): void {
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK)
  } catch (error) {
    throw tunError(TUN, isErrno(error, 'EACCES', 'EPERM') ? 'permission denied' : 'it does not exist', error)
  }
}

/** The error for a tun device that cannot be used, with the remedy. */
export function tunError(path: string, found: string, cause?: unknown): BryoError {
  const hint =
    found === 'permission denied'
      ? `as root: chmod 0666 ${path}`
      : `as root: modprobe tun; where there is still no device: mkdir -p /dev/net; mknod -m 0666 ${path} c 10 200`
  return new BryoError(
    'DEVICE_MISSING',
    `cannot open "${path}": ${found}, expected a device that you can read and write`,
    {
      hint: `${hint}; or run without network: --network none`,
      cause,
    },
  )
}
