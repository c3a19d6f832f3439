import { VERSION } from '../../base/version.ts'
import { defineCommand } from '../command.ts'
import { text } from '../flags/kinds.ts'
import { printLine, writeOut } from '../output.ts'

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' }

export const command = defineCommand({
  usage: '[options]',
  description: 'Shows the version of bryo, of the runtime it stands on, and the platform.',
  examples: ['version', "version --format '{{.Client.Version}}'"],
  flags: { format: text({ short: 'f', help: 'Print as json, or with a Go template' }) },
  args: { min: 0, max: 0 },
  run: async ({ flags }) => {
    const client = clientVersion()
    if (flags.format === undefined) {
      writeOut(clientLines(client))
    } else if (flags.format === 'json') {
      writeOut(`${JSON.stringify({ Client: client }, null, 4)}\n`)
    } else {
      const { compileTemplate } = await import('../template/template.ts')
      // Podman's fields are those of the client, and Docker's are below .Client; scripts use both.
      // There is no server: what Docker's scripts ask of it is answered by the client.
      printLine(compileTemplate(flags.format).render({ ...client, Client: client, Server: client }))
    }
    return 0
  },
})

interface ClientVersion {
  readonly Version: string
  readonly APIVersion: string
  readonly GoVersion: string
  readonly GitCommit: string
  readonly BuiltTime: string
  readonly Built: number
  readonly Runtime: string
  readonly OsArch: string
  readonly Os: string
  readonly Arch: string
}

function clientVersion(): ClientVersion {
  const bun = process.versions.bun
  const arch = ARCHITECTURES[process.arch] ?? process.arch
  return {
    Version: VERSION,
    APIVersion: VERSION,
    // Podman's fields that say nothing here: scripts ask for them all the same.
    GoVersion: '',
    GitCommit: '',
    BuiltTime: '',
    Built: 0,
    Runtime: bun === undefined ? `Node ${process.versions.node}` : `Bun ${bun}`,
    OsArch: `linux/${arch}`,
    Os: 'linux',
    Arch: arch,
  }
}

function clientLines(client: ClientVersion): string {
  const rows = [
    ['Client:', 'bryo'],
    ['Version:', client.Version],
    ['API Version:', client.APIVersion],
    ['Runtime:', client.Runtime],
    ['OS/Arch:', client.OsArch],
  ]
  return rows.map(([label = '', value = '']) => `${label.padEnd(13)}${value}\n`).join('')
}
