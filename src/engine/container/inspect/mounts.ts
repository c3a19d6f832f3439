import { hostPath } from '../../../storage/hostPath.ts'
import { volumeDirectory } from '../../../storage/volume/volumes.ts'
import type { MountRequest } from '../request.ts'
import type { InspectSubject } from './subject.ts'

type Entry = Readonly<Record<string, unknown>>

const PROPAGATIONS = [
  'shared',
  'rshared',
  'slave',
  'rslave',
  'private',
  'rprivate',
  'unbindable',
  'runbindable',
]

/** `.Mounts`: volumes, bind mounts and images; tmpfs is told of in `.HostConfig`. */
export function mountsOf({
  engine: { store },
  config: { request, volumes },
}: InspectSubject): readonly Entry[] {
  const named = volumes.map(({ name, target, options }) => ({
    Type: 'volume',
    Name: name,
    Source: hostPath(volumeDirectory(store, name), '_data'),
    Destination: target,
    Driver: 'local',
    ...optionsOf(options),
  }))
  return [...named, ...request.mounts.flatMap(otherMount)]
}

function otherMount(mount: MountRequest): readonly Entry[] {
  switch (mount.type) {
    case 'bind':
      return [
        {
          Type: 'bind',
          Source: mount.source,
          Destination: mount.target,
          Driver: '',
          ...optionsOf(mount.options),
        },
      ]
    case 'image':
      return [
        {
          Type: 'image',
          Source: mount.image,
          Destination: mount.target,
          Driver: '',
          ...optionsOf(mount.readWrite ? [] : ['ro']),
        },
      ]
    default:
      return []
  }
}

function optionsOf(options: readonly string[]): Entry {
  return {
    Mode: options.filter((option) => option === 'z' || option === 'Z').join(','),
    Options: options.filter((option) => !PROPAGATIONS.includes(option) && option !== 'ro' && option !== 'rw'),
    RW: !options.includes('ro') && !options.includes('readonly'),
    Propagation: options.find((option) => PROPAGATIONS.includes(option)) ?? 'rprivate',
  }
}
