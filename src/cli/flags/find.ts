import type { Flag, FlagTable } from './flag.ts'

/** Further names of Podman's and Docker's for some options, wherever a command has these. */
const ALIASES: Readonly<Record<string, string>> = {
  'dns-opt': 'dns-option',
  'healthcheck-command': 'health-cmd',
  'healthcheck-interval': 'health-interval',
  'healthcheck-retries': 'health-retries',
  'healthcheck-start-period': 'health-start-period',
  'healthcheck-timeout': 'health-timeout',
  'intel-rdt-clos-id': 'rdt-class',
  namespace: 'ns',
  net: 'network',
  'net-alias': 'network-alias',
  notruncate: 'no-trunc',
  'override-arch': 'arch',
  'override-os': 'os',
  'override-variant': 'variant',
  purge: 'rm',
  storage: 'external',
  timeout: 'time',
}

export interface FoundFlag {
  /** As the table has it. */
  readonly name: string
  readonly flag: Flag<unknown>
}

/** An option by its long name, or by another name that it goes by. */
export function findFlag(table: FlagTable, name: string): FoundFlag | undefined {
  const own = Object.hasOwn(table, name) ? table[name] : undefined
  if (own) return { name, flag: own }
  const meant = Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? '') : ''
  const flag = Object.hasOwn(table, meant) ? table[meant] : undefined
  return flag && { name: meant, flag }
}
