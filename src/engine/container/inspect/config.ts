import { buildEnvironment } from '../environment.ts'
import { healthCheckOf, healthLogOf, startupCheckOf } from '../health/settings.ts'
import { hostnameOf } from '../hostname.ts'
import { DEFAULT_STOP_SECONDS } from '../stopSettings.ts'
import type { InspectSubject } from './subject.ts'

type Part = Readonly<Record<string, unknown>>

const DEFAULT_UMASK = 0o022
const NS_PER_MS = 1e6

/** `.Config`: what was asked for, over what the image says. */
export function configOf(subject: InspectSubject): Part {
  const { record, image } = subject
  const { request, volumes } = subject.config
  const hostname = hostnameOf(subject.engine, record, request)
  const exposed = [...request.expose, ...(image?.exposedPorts ?? [])]
  return {
    Hostname: hostname,
    Domainname: request.domainname ?? '',
    User: request.user ?? image?.user ?? '',
    AttachStdin: request.interactive,
    AttachStdout: true,
    AttachStderr: true,
    Tty: request.tty,
    OpenStdin: request.interactive,
    StdinOnce: false,
    Env: buildEnvironment(request, image, hostname),
    Cmd:
      request.command.length > 0 || request.entrypoint !== undefined ? request.command : (image?.cmd ?? []),
    Image: record.image?.name ?? '',
    Volumes: volumes.length === 0 ? null : Object.fromEntries(volumes.map(({ target }) => [target, {}])),
    ExposedPorts: Object.fromEntries(exposed.map((port) => [port.includes('/') ? port : `${port}/tcp`, {}])),
    WorkingDir: request.workdir ?? (image?.workingDir || '/'),
    Entrypoint: request.entrypoint ?? (image && image.entrypoint.length > 0 ? image.entrypoint : null),
    OnBuild: null,
    Labels: { ...image?.labels, ...request.labels },
    Annotations: request.annotations,
    StopSignal: request.stopSignal ?? image?.stopSignal ?? 'SIGTERM',
    Healthcheck: healthcheckOf(subject),
    StartupHealthCheck: startupCheckPart(subject),
    HealthcheckOnFailureAction: request.healthAction ?? 'none',
    HealthLogDestination: healthLogOf(request).destination,
    HealthcheckMaxLogCount: healthLogOf(request).maxCount,
    HealthcheckMaxLogSize: healthLogOf(request).maxSize,
    Umask: (request.umask ?? DEFAULT_UMASK).toString(8).padStart(4, '0'),
    Timeout: request.timeoutSeconds ?? 0,
    StopTimeout: request.stopTimeoutSeconds ?? DEFAULT_STOP_SECONDS,
    Timezone: request.timezone ?? '',
    Secrets: (request.secrets ?? []).map(({ name, uid = 0, gid = 0, mode = 0o444 }) => ({
      Name: name,
      UID: uid,
      GID: gid,
      Mode: mode,
    })),
    Passwd: request.passwd,
    SystemdMode: request.systemd === 'always',
    sdNotifyMode: request.notify ?? 'container',
  }
}

/** Durations are nanoseconds. */
function healthcheckOf({ config: { request }, image }: InspectSubject): Part | null {
  const check = healthCheckOf(request, image)
  if (!check) return null
  const own = request.healthcheck?.test ?? []
  return {
    Test: own.length > 0 ? own : (image?.healthcheck?.test ?? []),
    StartPeriod: check.startPeriodMs * NS_PER_MS,
    Interval: check.intervalMs * NS_PER_MS,
    Timeout: check.timeoutMs * NS_PER_MS,
    Retries: check.retries,
  }
}

function startupCheckPart({ config: { request } }: InspectSubject): Part | null {
  const check = startupCheckOf(request)
  if (!check) return null
  return {
    Test: request.startupCheck?.test ?? [],
    Interval: check.intervalMs * NS_PER_MS,
    Timeout: check.timeoutMs * NS_PER_MS,
    Retries: check.retries,
    Successes: check.successes,
  }
}
