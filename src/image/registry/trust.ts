import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BryoError, isErrno } from '../../base/errors.ts'

/** What a TLS connection to one host is checked against. */
export interface Trust {
  /** PEM texts; undefined for the authorities built into the runtime. */
  readonly ca?: readonly string[]
  /** PEM of the client's own certificate and key. */
  readonly cert?: string
  readonly key?: string
  readonly verify: boolean
}

export interface TrustOptions {
  readonly verify: boolean
  /** Replaces the certs.d directories. */
  readonly certDir?: string | undefined
  /** The directories that hold a `host[:port]/` each, the first that has it wins. */
  readonly certsDirs: readonly string[]
  /** Replaces the authorities of this host. @see openssl-env(7) */
  readonly sslCertFile?: string | undefined
}

/** Where distributions keep their authorities; the runtimes bring their own list, which lacks a company's CA. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** The certs.d directories of a user. @see containers-certs.d(5) */
export function certsDirectories(configHome: string): readonly string[] {
  return [join(configHome, 'containers/certs.d'), '/etc/containers/certs.d', '/etc/docker/certs.d']
}

/**
 * @param host `name[:port]`
 * @throws BryoError NETWORK for a certificate without its key
 */
export function loadTrust(options: TrustOptions, host: string): Trust {
  if (!options.verify) return { verify: false }
  const base = options.sslCertFile ? readNamed(options.sslCertFile) : readFirst(SYSTEM_BUNDLES)
  const own = options.certDir ? readDirectory(options.certDir, true) : readHostDirectory(options, host)
  const extra = own.filter((file) => file.name.endsWith('.crt')).map((file) => file.text())
  const ca = [...(base === undefined ? [] : [base]), ...extra]
  return { verify: true, ...(ca.length > 0 ? { ca } : {}), ...clientPair(own) }
}

interface CertFile {
  readonly name: string
  readonly text: () => string
}

function readHostDirectory(options: TrustOptions, host: string): readonly CertFile[] {
  if (!/^[A-Za-z0-9.:[\]-]+$/.test(host) || host.startsWith('.')) return []
  for (const directory of options.certsDirs) {
    const files = readDirectory(join(directory, host), false)
    if (files.length > 0) return files
  }
  return []
}

function readDirectory(directory: string, required: boolean): readonly CertFile[] {
  try {
    return readdirSync(directory)
      .sort()
      .map((name) => ({ name, text: () => readFileSync(join(directory, name), 'utf8') }))
  } catch (error) {
    const missing = isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')
    if (!required && missing) return []
    if (!missing) throw error
    throw new BryoError('NOT_FOUND', `cannot read certificate directory "${directory}"`, { cause: error })
  }
}

function clientPair(files: readonly CertFile[]): { readonly cert?: string; readonly key?: string } {
  const cert = files.find((file) => file.name.endsWith('.cert'))
  if (!cert) return {}
  const keyName = cert.name.replace(/cert$/, 'key')
  const key = files.find((file) => file.name === keyName)
  if (!key)
    throw new BryoError('NETWORK', `cannot use client certificate "${cert.name}": "${keyName}" is missing`)
  return { cert: cert.text(), key: key.text() }
}

function readNamed(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new BryoError('NOT_FOUND', `cannot read the certificates "${path}" that SSL_CERT_FILE names`, {
      cause,
    })
  }
}

function readFirst(paths: readonly string[]): string | undefined {
  for (const path of paths) {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'EACCES', 'ENOTDIR')) throw error
    }
  }
  return undefined
}
