import { createVolume } from '../../engine/volume/create.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { VOLUME_CREATE_FLAGS } from '../options/volumes.ts'
import { printLine } from '../output.ts'
import { toRecord } from '../parse/keyValue.ts'

export const command = defineCommand({
  usage: '[options] [NAME]',
  description: 'Makes a volume and prints its name; without one, it gets 64 hexadecimal digits.',
  examples: [
    'volume create data',
    'volume create --label team=web data',
    'volume create --opt type=tmpfs --opt o=size=64m scratch',
    'volume create --opt type=none --opt o=bind --opt device=/srv/data data',
  ],
  flags: VOLUME_CREATE_FLAGS,
  args: { min: 0, max: 1 },
  run: ({ flags, args, context }) => {
    const { driver, ignore } = flags
    const options = withOwner(toRecord(flags.opt), flags)
    const request = { driver, ignore, labels: toRecord(flags.label), options }
    printLine(createVolume(engineOf(context), { name: args[0], ...request }))
    return 0
  },
})

/** `--uid` and `--gid` are words of the option `o`. */
function withOwner(
  options: Readonly<Record<string, string>>,
  { uid, gid }: { readonly uid: number | undefined; readonly gid: number | undefined },
): Readonly<Record<string, string>> {
  const words = [uid === undefined ? '' : `uid=${uid}`, gid === undefined ? '' : `gid=${gid}`]
  const o = [options.o ?? '', ...words].filter((word) => word !== '').join(',')
  return o === '' ? options : { ...options, o }
}
