import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from './certificates.ts'
import { startCommand } from './command.ts'
import { freePort, talkTcp } from './server.ts'
import { ISSUER, SERVICE, startTokenServer, type TokenServer } from './tokenServer.ts'
import { give, PATH, type World } from './world.ts'

export const USER = 'ana'
export const PASSWORD = 'a secret: with colon'
export const IDENTITY_TOKEN = 'the-identity-token'

export interface SecureRegistry {
  readonly host: string
  readonly certificates: Certificates
  /** Makes the registry's authority known to the world's user, or forgets it. */
  readonly trust: (trusted: boolean) => void
  /** Where it asks for tokens. */
  readonly tokens: TokenServer | undefined
  readonly close: () => Promise<void>
}

/**
 * Debian's docker-registry over TLS with a certificate of an authority of its own, and logins: its own, by a token server, or by the clients' certificates.
 * undefined where a program for it is missing.
 */
export async function startSecureRegistry(
  world: World,
  auth: 'htpasswd' | 'token' | 'client-certificate',
): Promise<SecureRegistry | undefined> {
  const needed = ['docker-registry', 'openssl', ...(auth === 'htpasswd' ? ['htpasswd'] : [])]
  for (const program of needed) {
    if ((await world.command(['sh', '-c', `command -v ${program}`])).code !== 0) return undefined
  }
  const directory = mkdtempSync(join(process.env.BRYO_TEST_TMP ?? tmpdir(), 'registry-'))
  const certificates = makeCertificates(join(directory, 'tls'))
  const host = `127.0.0.1:${await freePort()}`
  const tokens =
    auth === 'token'
      ? await startTokenServer({
          certificates,
          user: USER,
          password: PASSWORD,
          identityToken: IDENTITY_TOKEN,
        })
      : undefined
  writeFileSync(
    `${directory}/config.yml`,
    configuration(directory, host, { certificates, auth, realm: tokens?.realm }),
  )
  give(directory)
  const server = startCommand(['docker-registry', 'serve', `${directory}/config.yml`], {
    env: { PATH },
    cwd: directory,
    timeoutMs: 300_000,
  })
  const [address = '', port] = host.split(':')
  while ((await talkTcp(Number(port), '', address)) === undefined)
    await new Promise((go) => setTimeout(go, 10))
  const certsd = join(world.home, '.config/containers/certs.d', host)
  return {
    host,
    certificates,
    tokens,
    trust: (trusted) => {
      rmSync(certsd, { recursive: true, force: true })
      if (!trusted) return
      mkdirSync(certsd, { recursive: true })
      copyFileSync(certificates.ca, join(certsd, 'ca.crt'))
      give(join(world.home, '.config'))
    },
    close: async () => {
      server.kill('SIGTERM')
      await server.ended
      await tokens?.close()
      rmSync(directory, { recursive: true })
    },
  }
}

function configuration(
  directory: string,
  host: string,
  {
    certificates,
    auth,
    realm,
  }: { readonly certificates: Certificates; readonly auth: string; readonly realm: string | undefined },
): string {
  const { cert, key } = certificates
  const clients = auth === 'client-certificate' ? `, clientcas: [${certificates.ca}]` : ''
  const lines = [
    'version: 0.1',
    'log: { level: error }',
    `storage: { filesystem: { rootdirectory: ${directory}/data } }`,
    `http: { addr: '${host}', tls: { certificate: ${cert}, key: ${key}${clients} } }`,
  ]
  if (auth === 'htpasswd') {
    const line = execFileSync('htpasswd', ['-Bbn', USER, PASSWORD], { encoding: 'utf8' })
    writeFileSync(`${directory}/htpasswd`, line)
    lines.push(`auth: { htpasswd: { realm: tests, path: ${directory}/htpasswd } }`)
  }
  if (auth === 'token') {
    lines.push(
      `auth: { token: { realm: '${realm}', service: '${SERVICE}', issuer: ${ISSUER}, rootcertbundle: ${certificates.ca} } }`,
    )
  }
  return `${lines.join('\n')}\n`
}
