import { existsSync } from 'node:fs'
import { installationRoot } from '../base/installation.ts'

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
 * The addon is opened directly, by its absolute path in this installation or beside it: koffi's own loader is slower and
 * also looks below the current directory, which may belong to somebody else.
 */
function loadKoffi(): Koffi {
  if (koffi) return koffi
  const addon: { readonly exports: unknown } = { exports: {} }
  process.dlopen(addon, addonPath())
  koffi = addon.exports as Koffi
  return koffi
}

/** As packages are looked for: in the installation, then in each directory that it lies in. */
function addonPath(): string {
  const root = installationRoot()
  for (let directory = root; directory !== ''; directory = directory.slice(0, directory.lastIndexOf('/'))) {
    const path = `${directory}/node_modules/@koromix/${ADDON}/koffi.node`
    if (existsSync(path)) return path
  }
  throw new Error(`cannot find package @koromix/${ADDON} from ${root}`)
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
