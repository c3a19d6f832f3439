import type { Layer } from '../../engine/security/layer.ts'
import { formatTable, PODMAN_TABLE } from './tabwriter.ts'

export const SECURITY_COLUMNS = [
  { title: 'LAYER', cell: ({ name }: Layer) => name },
  { title: 'STATE', cell: ({ state }: Layer) => state },
  { title: 'DETAIL', cell: ({ detail }: Layer) => detail },
  { title: 'LOOSENED BY', cell: ({ by }: Layer) => by.join(', ') },
]

/** Fields for templates and for JSON. */
export function securityFields({ name, state, detail, by }: Layer): Readonly<Record<string, unknown>> {
  return { Layer: name, State: state, Detail: detail, By: by }
}

/** The usual table, for standard error. */
export function securityTable(layers: readonly Layer[]): string {
  return formatTable(
    [
      SECURITY_COLUMNS.map(({ title }) => title),
      ...layers.map((layer) => SECURITY_COLUMNS.map(({ cell }) => cell(layer))),
    ],
    PODMAN_TABLE,
  )
}
