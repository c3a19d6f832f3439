import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { unlessErrno } from '../../base/errors.ts'
import type { HostFacts } from '../../base/hostFacts.ts'
import type { ImageReference } from '../../image/reference.ts'
import { type ContainersPolicy, parseContainersPolicy } from '../../image/trust/containersPolicy.ts'
import {
  findPathRule,
  findRule,
  invalidPolicy,
  type TrustRequirement,
  type TrustRule,
  type TrustScopes,
} from '../../image/trust/policy.ts'
import { readIniEntries } from '../iniSections.ts'

/** What counts on this host for this user. */
export interface TrustPolicy {
  /** Of bryo.conf: the user's file first, then the system's. */
  readonly own: readonly TrustScopes[]
  readonly containers: ContainersPolicy | undefined
}

/**
 * @param file `--signature-policy`: that one alone counts then
 * @throws BryoError USAGE
 */
export function readTrustPolicy({ env, uid, cwd }: HostFacts, file: string | undefined): TrustPolicy {
  if (file !== undefined) {
    const path = resolve(cwd, file)
    const text = readOptional(path)
    if (text === undefined) throw invalidPolicy(file, 'it cannot be read')
    return { own: [], containers: parseContainersPolicy(path, text) }
  }
  const home = env.HOME || homedir()
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config')
  const directories = uid === 0 ? ['/etc'] : [configHome, '/etc']
  const own = directories.flatMap((directory) => {
    const path = join(directory, 'bryo/bryo.conf')
    const text = readOptional(path)
    return text === undefined ? [] : [parseTrustConf(path, text)]
  })
  const policies = directories.map((directory) => join(directory, 'containers/policy.json'))
  for (const path of policies) {
    const text = readOptional(path)
    if (text !== undefined) return { own, containers: parseContainersPolicy(path, text) }
  }
  return { own, containers: undefined }
}

function readOptional(path: string): string | undefined {
  return unlessErrno(() => readFileSync(path, 'utf8'), 'ENOENT', 'ENOTDIR')
}

const SECTION = /^trust(?:\s+"?([^"]*?)"?)?$/
const FORMS = 'accept, reject, signed-by KEY[, KEY] or signed-digest-by KEY[, KEY]'

/**
 * Sections `[trust HOST/PREFIX]` with `policy = accept`, `reject`, `signed-by KEY[, KEY]` or `signed-digest-by KEY[, KEY]`; `[trust]`
 * is for all that no other one names. A relative key lies beside the file. Pure.
 * @throws BryoError USAGE
 */
export function parseTrustConf(path: string, text: string): TrustScopes {
  const scopes = new Map<string, readonly TrustRequirement[]>()
  for (const { section, key, value, line } of readIniEntries(text)) {
    const found = SECTION.exec(section)
    if (!found) continue
    if (key !== 'policy')
      throw invalidPolicy(path, `[${section}] has "${line.slice(0, 100)}", expected policy = ${FORMS}`)
    scopes.set((found[1] ?? '').replace(/\/$/, ''), [requirementOf(path, value)])
  }
  return { source: path, scopes }
}

function requirementOf(path: string, value: string): TrustRequirement {
  if (value === 'accept' || value === 'reject') return { kind: value }
  const [, form, list] = /^(signed-by|signed-digest-by)\s+(.+)$/.exec(value) ?? []
  if (!list) throw invalidPolicy(path, `"${value}" is no policy, expected ${FORMS}`)
  const paths = list.split(',').map((key) => key.trim())
  return {
    kind: 'signed',
    keys: paths.map((key) => ({ kind: 'file', path: isAbsolute(key) ? key : join(dirname(path), key) })),
    identity: { kind: form === 'signed-by' ? 'repository' : 'any' },
  }
}

/** As policy.json has it. */
export interface Transport {
  /** `oci-archive` and the like. */
  readonly name: string
  /** Absolute, without links; undefined for standard input, and for transports whose scopes are no paths. */
  readonly path: string | undefined
}

const ANYTHING: TrustRule = { source: 'the default', requirements: [{ kind: 'accept' }] }

/**
 * The rule for an image: bryo.conf's, then that of policy.json, where what no rule names is accepted.
 * @param transport of an archive or directory that it comes from; undefined for a registry
 */
export function ruleFor(
  { own, containers }: TrustPolicy,
  reference: ImageReference | undefined,
  transport: Transport | undefined,
): TrustRule {
  for (const scopes of own) {
    const rule = reference ? findRule(scopes, reference) : undefined
    const fallback = scopes.scopes.get('')
    if (rule) return rule
    if (fallback) return { source: scopes.source, requirements: fallback }
  }
  if (!containers) return ANYTHING
  const { source, fallback } = containers
  const found = transport
    ? findPathRule({ source, scopes: containers.transports.get(transport.name) ?? new Map() }, transport.path)
    : reference && findRule(containers.registries, reference)
  return found ?? { source, requirements: fallback }
}
