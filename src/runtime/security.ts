import { existsSync, readFileSync } from 'node:fs'
import type { SeccompChoice } from './seccomp/load.ts'
import {
  globToRegExp,
  invalidOption,
  parseBoolean,
  parseLabel,
  parsePaths,
  parseProcOptions,
  parseSeccomp,
  parseSwitch,
  requireValue,
} from './securityOption.ts'
import type { SelinuxSettings } from './selinux.ts'

/** Hidden from every container: a file reads empty, a directory is empty. */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
]

/** Shown, but not writable. /sys is so as a whole, by its mount. */
export const READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
]

const CPU_DIRECTORY = '/sys/devices/system/cpu'

/** {@link MASKED_PATHS}, and on hardware that counts its throttling {@link thermalThrottlePaths}. */
export function hostMaskedPaths(): readonly string[] {
  if (!existsSync(`${CPU_DIRECTORY}/cpu0/thermal_throttle`)) return MASKED_PATHS
  return [...MASKED_PATHS, ...thermalThrottlePaths(readFileSync(`${CPU_DIRECTORY}/possible`, 'latin1'))]
}

/**
 * The thermal counters of each processor, which tell one container what the others do.
 * @param possible /sys/devices/system/cpu/possible, e.g. `0-7,16`
 */
export function thermalThrottlePaths(possible: string): readonly string[] {
  return parseCpuList(possible).map((cpu) => `${CPU_DIRECTORY}/cpu${cpu}/thermal_throttle`)
}

const MAX_CPUS = 8192

function parseCpuList(text: string): readonly number[] {
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range)
      if (!match) return []
      const first = Number(match[1])
      const count = Math.min(Math.max(0, Number(match[2] ?? match[1]) - first + 1), MAX_CPUS)
      return Array.from({ length: count }, (_, index) => first + index)
    })
}

/** What protects a container beside its namespaces, ids and capabilities. */
export interface SecuritySettings {
  readonly noNewPrivileges: boolean
  readonly seccomp: SeccompChoice
  /** False: `user.max_user_namespaces` is 0 inside. */
  readonly nestedUserns: boolean
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  /** Options of the /proc mount, e.g. `hidepid=2`. */
  readonly procOptions: readonly string[]
  /** A profile name or `unconfined`; undefined where the host's own choice stands. */
  readonly apparmor: string | undefined
  readonly selinux: SelinuxSettings
  /** Abstract sockets and signals end at the container where it shares namespaces with the host. */
  readonly landlock: boolean
  /** Each layer that is weaker than by default, and the option that said so. */
  readonly loosened: readonly Loosening[]
}

export interface Loosening {
  readonly layer: SecurityLayer
  /** As the user wrote it: `--security-opt seccomp=unconfined`. */
  readonly by: string
}

export type SecurityLayer =
  | 'no-new-privileges'
  | 'seccomp'
  | 'nested-userns'
  | 'masked-paths'
  | 'readonly-paths'
  | 'apparmor'
  | 'selinux'
  | 'landlock'

export interface SecurityRequest {
  /** Values of `--security-opt`, in order; the last one counts. */
  readonly options: readonly string[]
  readonly privileged: boolean
  /** What is hidden where nothing else is asked; {@link hostMaskedPaths} by default. */
  readonly maskedPaths?: readonly string[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Draft = Mutable<SecuritySettings> & {
  readonly byLayer: Map<SecurityLayer, string>
  /** By `mask=`: what is asked for by name is not given up by `unmask=` or `--privileged`. */
  readonly ownMasks: Set<string>
}

/**
 * The settings of a container. `--privileged` takes away what guards the host's kernel from a root that is trusted: the filter,
 * the masks, the ban on nested user namespaces; options that say otherwise win. no_new_privs stays.
 * @throws BryoError USAGE for an option or a value that does not exist
 */
export function resolveSecurity(request: SecurityRequest): SecuritySettings {
  const draft = createDraft(request.maskedPaths ?? hostMaskedPaths())
  if (request.privileged) becomePrivileged(draft)
  for (const option of request.options) applyOption(draft, option)
  const { byLayer, ownMasks, ...settings } = draft
  return {
    ...settings,
    maskedPaths: [...new Set([...settings.maskedPaths, ...ownMasks])],
    loosened: [...byLayer].map(([layer, by]) => ({ layer, by })),
  }
}

function createDraft(maskedPaths: readonly string[]): Draft {
  return {
    noNewPrivileges: true,
    seccomp: { kind: 'default' },
    nestedUserns: false,
    maskedPaths,
    readonlyPaths: READONLY_PATHS,
    procOptions: [],
    apparmor: undefined,
    selinux: { kind: 'labelled', nested: false, parts: {} },
    landlock: true,
    loosened: [],
    byLayer: new Map(),
    ownMasks: new Set(),
  }
}

function becomePrivileged(draft: Draft): void {
  draft.seccomp = { kind: 'unconfined' }
  draft.nestedUserns = true
  draft.maskedPaths = []
  draft.readonlyPaths = []
  for (const layer of ['seccomp', 'nested-userns', 'masked-paths', 'readonly-paths'] as const) {
    draft.byLayer.set(layer, '--privileged')
  }
}

/** Records whether a layer is weaker than by default after an option. */
function note(draft: Draft, layer: SecurityLayer, weaker: boolean, option: string): void {
  if (weaker) draft.byLayer.set(layer, `--security-opt ${option}`)
  else draft.byLayer.delete(layer)
}

function applyOption(draft: Draft, option: string): void {
  // Docker wrote `key:value` before it wrote `key=value`, and scripts still do.
  const [, key = '', value] = /^([a-z-]+)(?:[=:](.*))?$/s.exec(option) ?? []
  switch (key) {
    case 'no-new-privileges':
      draft.noNewPrivileges = parseBoolean(option, value)
      note(draft, 'no-new-privileges', !draft.noNewPrivileges, option)
      break
    case 'nested-userns':
      draft.nestedUserns = parseBoolean(option, value)
      note(draft, 'nested-userns', draft.nestedUserns, option)
      break
    case 'seccomp':
      draft.seccomp = parseSeccomp(option, value)
      note(draft, 'seccomp', draft.seccomp.kind !== 'default', option)
      break
    case 'apparmor':
      draft.apparmor = requireValue(option, value, 'a profile name or unconfined')
      note(draft, 'apparmor', value === 'unconfined', option)
      break
    case 'label':
      draft.selinux = parseLabel(draft.selinux, option, value)
      note(draft, 'selinux', draft.selinux.kind === 'disabled', option)
      break
    case 'landlock':
      draft.landlock = parseSwitch(option, value)
      note(draft, 'landlock', !draft.landlock, option)
      break
    case 'mask':
      for (const path of parsePaths(option, value)) draft.ownMasks.add(path)
      break
    case 'unmask':
      unmask(draft, option, requireValue(option, value, 'ALL or paths separated by colons'))
      break
    case 'systempaths':
      if (value !== 'unconfined') throw invalidOption(option, 'unconfined')
      unmask(draft, option, 'ALL')
      break
    case 'proc-opts':
      draft.procOptions = parseProcOptions(option, value)
      break
    default:
      throw invalidOption(option, `one of ${OPTION_NAMES.join(', ')}`)
  }
}

function unmask(draft: Draft, option: string, value: string): void {
  const patterns = value.toUpperCase() === 'ALL' ? undefined : parsePaths(option, value).map(globToRegExp)
  const stays = (path: string) => patterns !== undefined && !patterns.some((pattern) => pattern.test(path))
  const masked = draft.maskedPaths.filter(stays)
  const readonlyPaths = draft.readonlyPaths.filter(stays)
  if (masked.length < draft.maskedPaths.length) note(draft, 'masked-paths', true, option)
  if (readonlyPaths.length < draft.readonlyPaths.length) note(draft, 'readonly-paths', true, option)
  draft.maskedPaths = masked
  draft.readonlyPaths = readonlyPaths
}

const OPTION_NAMES = [
  'no-new-privileges',
  'seccomp',
  'apparmor',
  'label',
  'landlock',
  'mask',
  'unmask',
  'systempaths',
  'proc-opts',
  'nested-userns',
]
