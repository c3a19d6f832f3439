import type { HostPath } from '../../base/brand.ts'
import type { DeviceRequest } from '../../engine/container/request.ts'
import { absoluteHostPath, containerPath } from './path.ts'

const ACCESS = /^[rwm]{1,3}$/

/** One `--device`: `HOST[:CONTAINER[:rwm]]`, also `HOST:rwm`. */
export function parseDevice(text: string): DeviceRequest {
  const parts = text.split(':')
  const [host = '', second, third] = parts
  if (parts.length > 3 || !host.startsWith('/')) {
    throw new Error('expected /dev/NAME[:CONTAINER_PATH[:rwm]]')
  }
  const hostPath: HostPath = absoluteHostPath(host, '/')
  if (second !== undefined && third === undefined && ACCESS.test(second)) {
    return { hostPath, path: hostPath, access: second }
  }
  const access = third ?? 'rwm'
  if (!ACCESS.test(access)) throw new Error(`unknown access "${access}", expected letters of rwm`)
  return { hostPath, path: containerPath(second ?? host), access }
}
