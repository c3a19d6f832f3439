import { digestHex } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import type { LogConfig, LogDriver } from '../../base/logConfig.ts'
import { LOG_DRIVERS } from '../../base/logConfig.ts'
import { shortId } from '../../base/shortId.ts'
import { checkLogConfig } from '../../monitor/log/check.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { containerDirectory } from '../../storage/container/record.ts'
import { hostPath } from '../../storage/hostPath.ts'
import type { Store } from '../../storage/store.ts'
import type { ContainerRequest } from './request.ts'

const JOURNAL = '/run/systemd/journal/socket'
/** k8s-file keeps the file before as well; json-file one file, as with Docker. */
const DEFAULT_FILES: Readonly<Partial<Record<LogDriver, number>>> = { 'k8s-file': 2 }

type LogRequest = Pick<ContainerRequest, 'logDriver' | 'logOptions' | 'labels' | 'env' | 'tty'>

/** Decides where the output of a container goes, from what was asked for at its creation. @throws BryoError USAGE */
export function planLog(
  store: Store,
  record: Pick<ContainerRecord, 'id' | 'name' | 'image' | 'command'>,
  request: LogRequest,
): LogConfig {
  const options = pairsOf(request.logOptions)
  const driver = driverOf(request)
  const tag = options.get('tag')
  const maxSize = Number(options.get('max-size') ?? -1)
  const ownFile = hostPath(containerDirectory(store, record.id), 'ctr.log')
  return {
    driver,
    path: isFileDriver(driver) ? (options.get('path') ?? ownFile) : driver === 'journald' ? JOURNAL : '',
    ...(maxSize > 0 && { maxSize }),
    maxFiles: Number(options.get('max-file') ?? DEFAULT_FILES[driver] ?? 1),
    ...(tag !== undefined && { tag: fillTag(tag, record) }),
    attributes: chosenAttributes(request, options),
    containerId: record.id,
    containerName: record.name,
    image: record.image?.name ?? '',
  }
}

/**
 * Finds what is wrong with the wanted log, before there is a container.
 * @throws BryoError USAGE, UNSUPPORTED where the host has no journal, PERMISSION
 */
export function checkLog(request: LogRequest): void {
  const options = pairsOf(request.logOptions)
  const driver = driverOf(request)
  if (driver === 'passthrough' && request.tty) {
    throw new BryoError('USAGE', 'cannot use --log-driver passthrough with --tty')
  }
  const tag = options.get('tag')
  if (tag !== undefined) fillTag(tag, { id: '', name: '', command: [] })
  const path = driver === 'journald' ? JOURNAL : options.get('path')
  if (path !== undefined) checkLogConfig({ driver, path })
}

/** Whether the log is still there when the container has been removed. */
export function logOutlives(request: LogRequest): boolean {
  const driver = driverOf(request)
  return driver === 'journald' || (isFileDriver(driver) && pairsOf(request.logOptions).has('path'))
}

function isFileDriver(driver: LogDriver): boolean {
  return driver === 'k8s-file' || driver === 'json-file'
}

function driverOf({ logDriver = 'k8s-file' }: LogRequest): LogDriver {
  const found = LOG_DRIVERS.find((driver) => driver === logDriver)
  if (found !== undefined) return found
  throw new BryoError('USAGE', `invalid log driver "${logDriver}", expected one of ${LOG_DRIVERS.join(', ')}`)
}

/** Of words `NAME=VALUE`. */
function pairsOf(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    words.map((word) => {
      const equals = word.indexOf('=')
      return [word.slice(0, equals), word.slice(equals + 1)] as const
    }),
  )
}

function chosenAttributes(
  request: LogRequest,
  options: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const env = pairsOf(request.env)
  const labels = new Map(Object.entries(request.labels))
  const pick = (names: string | undefined, from: ReadonlyMap<string, string>) =>
    (names?.split(',') ?? []).flatMap((name) => {
      const value = from.get(name)
      return value === undefined ? [] : [[name, value] as const]
    })
  return Object.fromEntries([...pick(options.get('labels'), labels), ...pick(options.get('env'), env)])
}

const TAG_FIELD = /\{\{\s*(.*?)\s*\}\}/g

/** The template of `tag=`: fields alone, as those are all that anybody uses there. */
function fillTag(
  template: string,
  { id, name, image, command }: Pick<ContainerRecord, 'name' | 'image' | 'command'> & { readonly id: string },
): string {
  const imageId = image ? digestHex(image.id) : ''
  const fields: Readonly<Record<string, string>> = {
    '.ID': shortId(id),
    '.FullID': id,
    '.Name': name,
    '.ImageID': shortId(imageId),
    '.ImageFullID': imageId,
    '.ImageName': image?.name ?? '',
    '.Command': command.join(' '),
    '.DaemonName': 'bryo',
  }
  return template.replace(TAG_FIELD, (action: string, field: string) => {
    if (Object.hasOwn(fields, field)) return fields[field] ?? ''
    const known = Object.keys(fields).join(', ')
    throw new BryoError('USAGE', `cannot use the log tag "${template}": ${action} is none of ${known}`)
  })
}
