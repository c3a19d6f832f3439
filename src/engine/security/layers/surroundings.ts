import type { SecuritySettings } from '../../../runtime/security.ts'
import { requestedJoins } from '../../container/joins.ts'
import { DEFAULT_PROCESS_LIMIT } from '../../container/outline.ts'
import type { ContainerRequest } from '../../container/request.ts'
import type { SecurityFacts } from '../facts.ts'
import { joinOption } from '../joined.ts'
import { judge, type Layer, listed } from '../layer.ts'
import { loosenedBy } from './privileges.ts'

export function descriptorsLayer(
  { foreignFiles }: SecurityFacts,
  { preserveFds = 0 }: ContainerRequest,
): Layer {
  return judge('file-descriptors', {
    holds: foreignFiles.length === 0,
    detail:
      foreignFiles.length === 0 ? 'nothing of the host but stdio' : `of the host: ${listed(foreignFiles)}`,
    by: preserveFds > 0 ? [`--preserve-fds ${preserveFds}`] : [],
  })
}

/** Variables that were asked for by name are no leak. */
export function environmentLayer({ hostVariables }: SecurityFacts, request: ContainerRequest): Layer {
  const asked = new Set(request.env.map((entry) => entry.split('=', 1)[0] ?? ''))
  const leaked = hostVariables.filter((name) => !asked.has(name))
  return judge('environment', {
    holds: leaked.length === 0,
    detail: leaked.length === 0 ? 'of the image and the options' : `of the host: ${listed(leaked)}`,
  })
}

export function networkLayer({ sharedNamespaces }: SecurityFacts, request: ContainerRequest): Layer {
  const shared = sharedNamespaces.includes('net')
  const mode = request.network[0] ?? ''
  const [kind] = mode.split(':', 1)
  const [join] = requestedJoins({ ...request, network: [mode] }).filter(({ type }) => type === 'network')
  const reachesLoopback = /(?:^|[:,])allow_host_loopback=(?:true|1|t)/i.test(mode)
  const detail = shared
    ? "the host's"
    : join
      ? `that of ${join.option.slice('--network '.length)}`
      : kind === 'none'
        ? 'its own, without a way out'
        : reachesLoopback
          ? "its own, reaching the host's loopback"
          : 'its own'
  return judge('network', {
    holds: !shared && !join && !reachesLoopback,
    detail,
    by: mode !== '' && kind !== 'none' ? [join?.option ?? `--network ${mode}`] : [],
  })
}

export function processesLayer(facts: SecurityFacts, request: ContainerRequest): Layer {
  const { processLimit, sharedNamespaces } = facts
  const { pid, pidsLimit } = request
  const own = !sharedNamespaces.includes('pid')
  const joined = own ? joinOption(facts, request, 'pid') : pid === 'host' ? '--pid host' : undefined
  const asked = pidsLimit !== undefined && (pidsLimit <= 0 || pidsLimit > DEFAULT_PROCESS_LIMIT)
  const limit = Number.isFinite(processLimit) ? `at most ${processLimit}` : 'as many as the user may have'
  const others = own ? (joined === undefined ? '' : ', beside those of others') : ", beside the host's"
  return judge('processes', {
    holds: own && joined === undefined && processLimit <= DEFAULT_PROCESS_LIMIT,
    detail: `${limit}${others}`,
    by: [...(joined === undefined ? [] : [joined]), ...(asked ? [`--pids-limit ${pidsLimit}`] : [])],
  })
}

/** A session of its own, and no terminal of the caller's that could be typed into. */
export function terminalLayer({ leadsSession, sharesTerminal }: SecurityFacts): Layer {
  return judge('terminal', {
    holds: leadsSession && !sharesTerminal,
    detail: sharesTerminal ? "the caller's" : leadsSession ? 'a session of its own' : 'a session of others',
  })
}

/** AppArmor or SELinux. Without root no profile can be loaded, so one that confines is the host's own. */
export function securityModuleLayer({ label }: SecurityFacts, settings: SecuritySettings): Layer {
  const name = 'security-module'
  if (label === undefined) return { name, state: 'unavailable', detail: 'this host has none', by: [] }
  if (label !== 'unconfined') return { name, state: 'on', detail: label, by: [] }
  const by = [...loosenedBy(settings, 'apparmor'), ...loosenedBy(settings, 'selinux')]
  return { name, state: by.length > 0 ? 'loosened' : 'unavailable', detail: 'unconfined', by }
}
