import { BryoError } from '../../base/errors.ts'
import type { PortMapping } from '../../base/port.ts'
import { shortId } from '../../base/shortId.ts'
import { latestContainer } from '../../engine/container/latest.ts'
import { publishedPortsOf, runningPorts } from '../../engine/container/port.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { toggle } from '../flags/kinds.ts'
import { hostAddress } from '../format/ports.ts'
import { printLine, writeOut } from '../output.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [PORT[/PROTOCOL]]',
  description: 'Shows where ports of a container are published on the host.',
  examples: ['port web', 'port web 80', 'port web 53/udp', 'port --all'],
  flags: {
    all: toggle({ short: 'a', help: 'Show the ports of all running containers' }),
    latest: toggle({ short: 'l', help: 'Show those of the last created container' }),
  },
  args: { min: 0, max: 2, completion: { kind: 'names', of: ['containers'] } },
  run: ({ flags, args, context }) => {
    const refuse = (message: string): never => {
      throw new BryoError('USAGE', message)
    }
    if (flags.all && flags.latest) refuse('--all and --latest cannot be used together')
    if (flags.all && args.length > 0) refuse('no arguments are needed with --all')
    if (flags.latest && args.length > 1) refuse('--latest and a container cannot be used together')
    if (!flags.all && !flags.latest && args.length === 0)
      refuse('you must supply a running container name or id')
    const engine = engineOf(context)
    if (flags.all) {
      const lines = runningPorts(engine).flatMap(({ id, ports }) =>
        ports.map((port) => `${shortId(id)}\t${mappingLine(port)}\n`),
      )
      writeOut(lines.join(''))
      return 0
    }
    const [name = '', wanted] = flags.latest ? [latestContainer(engine).id, ...args] : args
    const ports = publishedPortsOf(engine, name)
    if (wanted === undefined) writeOut(ports.map((port) => `${mappingLine(port)}\n`).join(''))
    else for (const port of portsAt(ports, wanted)) printLine(hostSide(port))
    return 0
  },
})

/** `80/tcp -> 0.0.0.0:8080`. */
function mappingLine(port: PortMapping): string {
  return `${port.containerPort}/${port.protocol} -> ${hostSide(port)}`
}

function hostSide({ hostIp, hostPort }: PortMapping): string {
  return `${hostAddress(hostIp)}:${hostPort}`
}

/** @throws BryoError USAGE for no port, NOT_FOUND where it is not published */
function portsAt(ports: readonly PortMapping[], wanted: string): readonly PortMapping[] {
  const [number = '', protocol = 'tcp', ...more] = wanted.split('/')
  if (more.length > 0) {
    throw new BryoError('USAGE', `port formats are port/protocol. '${wanted}' is invalid`)
  }
  if (!/^\d{1,5}$/.test(number)) {
    throw new BryoError('USAGE', `invalid port "${wanted}", expected PORT[/PROTOCOL]`)
  }
  const found = ports.filter((port) => port.containerPort === Number(number) && port.protocol === protocol)
  if (found.length > 0) return found
  throw new BryoError('NOT_FOUND', `failed to find published port "${wanted}"`)
}
