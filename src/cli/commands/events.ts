import { shortId } from '../../base/shortId.ts'
import { checkEventFilters, EVENT_FILTERS, readEvents } from '../../engine/events.ts'
import type { StoredEvent } from '../../storage/events.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { parseFilters } from '../filter.ts'
import { isJsonFormat } from '../format/rows.ts'
import { EVENTS_FLAGS } from '../options/logs.ts'
import { printLine } from '../output.ts'
import { momentFlag } from '../parse/momentFlag.ts'
import { printable } from '../report.ts'
import { dictionary } from '../template/value.ts'

export const command = defineCommand({
  usage: '[options]',
  description:
    'Shows what happens to containers, images, volumes and secrets of this user, as it happens. With --since, what has happened too.',
  examples: [
    'events',
    'events --since 10m --stream=false',
    'events --filter type=container --filter event=died',
    "events --format '{{.Time}} {{.Status}} {{.Name}}'",
  ],
  flags: EVENTS_FLAGS,
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    const now = Date.now()
    const print = await printer(flags.format, {
      docker: context.program === 'docker',
      noTrunc: flags.noTrunc,
    })
    const filters = parseFilters(flags.filter, EVENT_FILTERS)
    checkEventFilters(filters)
    const request = {
      since: momentFlag('--since', flags.since, now),
      until: momentFlag('--until', flags.until, now),
      stream: flags.stream,
      filters,
    }
    await readEvents(engineOf(context), request, (event) => printLine(print(event)))
    return 0
  },
})

async function printer(
  format: string | undefined,
  { docker, noTrunc }: { readonly docker: boolean; readonly noTrunc: boolean },
): Promise<(event: StoredEvent) => string> {
  const shortened = (event: StoredEvent) => (noTrunc ? event : { ...event, id: shortId(event.id) })
  if (format === undefined) return (event) => printable(sentence(shortened(event)))
  if (isJsonFormat(format)) {
    const fields = docker ? dockerJson : podmanJson
    return (event) => JSON.stringify(fields(shortened(event)))
  }
  const { compileTemplate } = await import('../template/template.ts')
  const template = compileTemplate(format)
  return (event) => template.render(templateFields(shortened(event))).replace(/\n$/, '')
}

/** `2026-11-03 12:34:56.123 +0000 UTC container died ID (image=alpine, name=web)`. */
function sentence(event: StoredEvent): string {
  const { type, action, id, name, image, attributes = {} } = event
  const words = [goTime(event.time), type, action]
  switch (type) {
    case 'container': {
      if (id === '') break
      const details = [['image', image ?? ''], ['name', name], ...sorted(attributes)]
      return `${words.join(' ')} ${id} (${details.map(([key, value]) => `${key}=${value}`).join(', ')})`
    }
    case 'image':
      if (id === '') break
      return [...words, id, name].join(' ')
    default:
      break
  }
  const details = id === '' ? sorted(attributes).map(([key, value]) => `${key}=${value}`) : []
  const list = details.length === 0 ? '' : `(${details.join(', ')})`
  return [...words, name, list].filter((word) => word !== '').join(' ')
}

function sorted(attributes: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** As Go prints a time in UTC. */
function goTime(time: string): string {
  return `${time.replace('T', ' ').replace(/\.?0*Z$/, '')} +0000 UTC`
}

function podmanJson({
  time,
  type,
  action,
  id,
  name,
  image = '',
  exitCode,
  attributes = {},
}: StoredEvent): unknown {
  return {
    ...(exitCode !== undefined && { ContainerExitCode: exitCode }),
    ...{ ID: id, Image: image, Name: name, Status: action, Time: time, Type: type, Attributes: attributes },
  }
}

function dockerJson({
  time,
  type,
  action,
  id,
  name,
  image,
  exitCode,
  attributes = {},
}: StoredEvent): unknown {
  const ms = Date.parse(time)
  return {
    ...(type === 'container' && { status: action, id, from: image ?? '' }),
    ...{ Type: type, Action: action },
    Actor: {
      ID: id,
      Attributes: {
        ...attributes,
        ...(exitCode !== undefined && { exitCode: String(exitCode) }),
        ...(image !== undefined && { image }),
        name,
      },
    },
    ...{ scope: 'local', time: Math.floor(ms / 1000), timeNano: ms * 1_000_000 },
  }
}

function templateFields(event: StoredEvent): Readonly<Record<string, unknown>> {
  const { type, action, id, name, image = '', exitCode = 0, attributes = {} } = event
  const details = { ID: id, PodID: '', ContainerInspectData: '', Attributes: dictionary(attributes) }
  return {
    ...{ ID: id, Image: image, Name: name, Status: action, Type: type, Time: goTime(event.time) },
    ...{ Action: action, From: image, ContainerExitCode: exitCode, Scope: 'local' },
    ...{ Network: '', PodID: '', ContainerInspectData: '', Error: '' },
    Details: details,
    ToHumanReadable: (noTrunc: unknown) =>
      sentence(noTrunc === false ? { ...event, id: shortId(id) } : event),
    Attributes: dictionary(attributes),
    HealthStatus: attributes.health_status ?? '',
    TimeNano: Date.parse(event.time) * 1_000_000,
    Actor: { ID: id, Attributes: dictionary({ ...attributes, name }) },
  }
}
