import { parseIp } from '../../netns/ip.ts'

const NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/

/**
 * One `--add-host`: `NAME[;NAME...]:ADDRESS`, also `NAME=ADDRESS`; the address may be `host-gateway`.
 * @returns one `NAME:ADDRESS` for each name
 */
export function parseAddHost(text: string): readonly string[] {
  const [, list = '', given = ''] = /^([^:=]+)[:=](.+)$/.exec(text) ?? []
  const names = list.split(';')
  const address = given.replace(/^\[(.*)\]$/, '$1')
  if (!names.every((name) => NAME.test(name)) || (address !== 'host-gateway' && !parseIp(address))) {
    throw new Error('expected NAME:ADDRESS, the address being IPv4, IPv6 or host-gateway')
  }
  return names.map((name) => `${name}:${address}`)
}
