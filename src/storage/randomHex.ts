import { closeSync, openSync, readSync } from 'node:fs'

/** `bytes` random bytes as hex digits; straight from the kernel, so that no cryptography module is loaded for it. */
export function randomHex(bytes: number): string {
  const fd = openSync('/dev/urandom', 'r')
  try {
    const buffer = Buffer.alloc(bytes)
    readSync(fd, buffer, 0, bytes, null)
    return buffer.toString('hex')
  } finally {
    closeSync(fd)
  }
}
