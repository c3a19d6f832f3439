import { buildEnvironment } from '../environment.ts'
import type { InspectSubject } from './subject.ts'

type Part = Readonly<Record<string, unknown>>

const DEFAULT_STOP_SECONDS = 10
const DEFAULT_UMASK = 0o022

/** `.Config`: what was asked for, over what the image says. */
export function configOf({ record, config: { request, volumes }, image }: InspectSubject): Part {
  const hostname = request.hostname ?? (request.uts === 'host' ? '' : record.id.slice(0, 12))
  const exposed = [...request.expose, ...(image?.exposedPorts ?? [])]
  return {
    Hostname: hostname,
    Domainname: '',
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
    Healthcheck: null,
    HealthcheckOnFailureAction: 'none',
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
    sdNotifyMode: 'container',
  }
}
