import { isObject } from '../../base/json.ts'
import { type Document, formatDocuments } from './documents.ts'
import { formatJson, isJsonFormat } from './rows.ts'

/** One object as `inspect` shows it. */
export interface Inspected {
  readonly type: InspectType
  readonly document: Document
}

/** Kinds of objects in the order in which a name is looked up. */
export const INSPECT_TYPES = ['container', 'image', 'volume', 'secret'] as const
export type InspectType = (typeof INSPECT_TYPES)[number]

/** Members whose keys come from the user: a template may ask for any. All others are known. */
const MAPS = new Set([
  ...[
    'Annotations',
    'Data',
    'ExposedPorts',
    'Labels',
    'Networks',
    'PortBindings',
    'Ports',
    'Sysctls',
    'Tmpfs',
  ],
  ...['Volumes'],
])

/** What Podman's templates may ask for, and there is never anything to tell about: JSON does not have it. */
const CONTAINER_HIDDEN: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  State: {
    Checkpointed: false,
    CheckpointLog: '',
    CheckpointPath: '',
    Restored: false,
    RestoreLog: '',
  },
  NetworkSettings: {
    AdditionalMacAddresses: [],
    SecondaryIPAddresses: [],
    SecondaryIPv6Addresses: [],
  },
  Config: {
    ChrootDirs: [],
    CreateCommand: [],
    DomainName: '',
    SdNotifyMode: '',
    SdNotifySocket: '',
    SystemdMode: false,
  },
  HostConfig: { CpuCount: 0, CpuPercent: 0, DiskQuota: 0, IOMaximumBandwidth: 0, IOMaximumIOps: 0 },
}

/** An array of all documents, or a line of a Go template for each. @throws BryoError USAGE */
export async function formatInspected(
  objects: readonly Inspected[],
  format: string | undefined,
): Promise<string> {
  if (format === undefined || isJsonFormat(format)) return formatJson(objects.map(({ document }) => document))
  const { compileTemplate } = await import('../template/template.ts')
  const { dictionary, underTypeNames, withHidden } = await import('../template/value.ts')
  const template = compileTemplate(format, 'inspect')
  const withMaps = (value: unknown, key = ''): unknown => {
    if (Array.isArray(value)) return value.map((item) => withMaps(item))
    if (!isObject(value)) return value
    const members = Object.entries(value).map(([name, item]) => [name, withMaps(item, name)])
    return MAPS.has(key) ? dictionary(Object.fromEntries(members)) : Object.fromEntries(members)
  }
  const lines: string[] = []
  for (const { type, document } of objects) {
    if (type === 'container') {
      const data = withHidden(Object(withMaps({ ...document, ID: document.Id })), {
        SizeRootFs: null,
        SizeRw: null,
      })
      for (const [part, hidden] of Object.entries(CONTAINER_HIDDEN)) {
        if (isObject(data[part])) withHidden(data[part], hidden)
      }
      if (isObject(data.NetworkSettings)) underTypeNames(data.NetworkSettings, 'InspectBasicNetworkConfig')
      lines.push(`${template.render(data)}\n`)
    } else {
      // These leave out what is empty, so nothing below the top is known for certain.
      lines.push(await formatDocuments([{ ID: document.Id, ...document }], format))
    }
  }
  return lines.join('')
}
