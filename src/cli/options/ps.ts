import { containerFilterFlag } from '../containerFilters.ts'
import { choiceOr, count, integer, text, toggle } from '../flags/kinds.ts'

export const PS_SORTS = [
  'command',
  'created',
  'id',
  'image',
  'names',
  'runningfor',
  'size',
  'status',
] as const

const FORMATS = [
  ...['json', 'table', '{{.ID}}', '{{.Image}}', '{{.ImageID}}', '{{.Command}}', '{{.CreatedAt}}'],
  ...['{{.RunningFor}}', '{{.Status}}', '{{.State}}', '{{.Ports}}', '{{.Size}}', '{{.Names}}', '{{.Labels}}'],
  ...['{{.Mounts}}', '{{.Networks}}', '{{.Pid}}', '{{.ExitCode}}', '{{.Restarts}}', '{{.Namespaces}}'],
]

export const PS_FLAGS = {
  all: toggle({ short: 'a', help: 'Show all containers, not only running ones' }),
  external: toggle({ help: 'Show containers of other programs too: the store has none' }),
  filter: containerFilterFlag('Show only what fits: key=value', 'f'),
  format: text({
    help: 'Print as json, or with a Go template',
    completion: { kind: 'values', values: FORMATS },
  }),
  last: integer({ short: 'n', help: 'Show the last created containers, running or not' }),
  latest: toggle({ short: 'l', help: 'Show the last created container' }),
  'no-trunc': toggle({ help: 'Show whole ids and commands' }),
  noheading: toggle({ help: 'Leave the headings out' }),
  ns: toggle({ help: 'Show the namespaces' }),
  pod: toggle({ short: 'p', help: 'Show the pods' }),
  quiet: toggle({ short: 'q', help: 'Show ids only' }),
  size: toggle({ short: 's', help: 'Show how much each container wrote' }),
  sort: choiceOr('created', PS_SORTS, {
    help: 'Sort by command, created, id, image, names, runningfor, size or status',
  }),
  sync: toggle({ help: 'Look at the processes again: always done' }),
  watch: count({ short: 'w', placeholder: 'seconds', help: 'Show the list again every so many seconds' }),
}
