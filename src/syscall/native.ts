import { createRequire } from 'node:module'

/** A C function bound by koffi: takes and gives plain numbers, bigints, strings and buffers. */
export type NativeFunction = (...args: readonly unknown[]) => unknown

interface NativeLibrary {
  func(prototype: string): NativeFunction
}

interface Koffi {
  load(path: string | null): NativeLibrary
  errno(): number
  address(value: Uint8Array): bigint
}

const ADDON = process.arch === 'arm64' ? 'koffi-linux-arm64/linux_arm64' : 'koffi-linux-x64/linux_x64'

let koffi: Koffi | undefined
let libc: NativeLibrary | undefined

/**
 * The addon is opened directly, by its absolute path in this installation: koffi's own loader is slower and
 * also looks below the current directory, which may belong to somebody else.
 */
function loadKoffi(): Koffi {
  if (koffi) return koffi
  const require = createRequire(import.meta.filename)
  koffi = require(require.resolve(`@koromix/${ADDON}/koffi.node`)) as Koffi
  return koffi
}

/** Opens a shared library by soname; throws where the host has none. */
export function loadLibrary(soname: string): NativeLibrary {
  return loadKoffi().load(soname)
}

/**
 * Binds a function of the C library on its first call, so that a command pays only for what it uses.
 * @param prototype a C prototype in koffi's notation
 */
export function bind(prototype: string): NativeFunction {
  let bound: NativeFunction | undefined
  return (...args) => {
    if (!bound) {
      libc ??= loadKoffi().load(null)
      bound = libc.func(prototype)
    }
    return bound(...args)
  }
}

/** errno of the call just made: read it before anything else runs. */
export function lastErrno(): number {
  return loadKoffi().errno()
}

/** The address of a buffer's memory, for structs that hold pointers; the caller keeps the buffer alive. */
export function addressOf(buffer: Uint8Array): bigint {
  return BigInt(loadKoffi().address(buffer))
}
