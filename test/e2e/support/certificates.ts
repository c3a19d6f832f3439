import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** An authority of the tests' own and a certificate of it for 127.0.0.1. */
export interface Certificates {
  /** Paths of PEM files. */
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** Makes a certificate for a client. */
  readonly client: (name: string) => { readonly cert: string; readonly key: string }
}

export function makeCertificates(directory: string): Certificates {
  mkdirSync(directory, { recursive: true })
  const at = (name: string) => join(directory, name)
  const openssl = (...args: readonly string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem'],
    ...['-days', '2', '-subj', '/CN=authority of the tests'],
  )
  const sign = (name: string, extensions: string) => {
    writeFileSync(at(`${name}.ext`), extensions)
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    )
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-out', `${name}.pem`, '-days', '2', '-extfile', `${name}.ext`],
    )
    return { cert: at(`${name}.pem`), key: at(`${name}.key`) }
  }
  const server = sign('server', 'subjectAltName=IP:127.0.0.1,IP:127.0.0.2,DNS:localhost')
  return { ca: at('ca.pem'), ...server, client: (name) => sign(name, 'extendedKeyUsage=clientAuth') }
}

/** The certificate as a token names its signer: DER in base64. */
export function derOf(pem: string): string {
  return readFileSync(pem, 'utf8').replace(/-----[A-Z ]+-----|\s/g, '')
}
