import type { ContainerRequest } from './request.ts'

/** The networks that a container is on, without options: the modes' names, or those of bridge networks. */
export function networkNames({ network }: Pick<ContainerRequest, 'network'>): readonly string[] {
  if (network.length === 0) return [DEFAULT_NETWORK]
  return network.map((text) => {
    if (text.startsWith('container:')) return text
    const name = text.split(':', 1)[0] ?? text
    return name === '' || name === 'default' || name === 'private' ? DEFAULT_NETWORK : name
  })
}

const DEFAULT_NETWORK = 'slirp4netns'
