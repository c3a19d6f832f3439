import { BryoError } from '../../base/errors.ts'
import type { Engine } from '../../engine/engine.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { choiceOr, text, toggle } from '../flags/kinds.ts'
import type { Document } from '../format/documents.ts'
import { formatInspected, INSPECT_TYPES, type Inspected, type InspectType } from '../format/inspection.ts'
import { printError } from '../report.ts'
import { writeShown } from '../show.ts'

const format = text({ short: 'f', help: 'Print as json, or with a Go template' })
const size = toggle({ short: 's', help: 'Measure how much containers wrote' })
const latest = toggle({ short: 'l', help: 'Show the last created container' })

export const command = defineCommand({
  usage: '[options] NAME [NAME...]',
  description: 'Shows all that is known about containers, images, volumes and secrets, as JSON.',
  examples: [
    'inspect web',
    'inspect alpine',
    "inspect --format '{{.State.Status}} {{.Config.Env}}' web",
    'inspect --type volume data',
  ],
  flags: {
    format,
    latest,
    size,
    type: choiceOr('all', ['all', ...INSPECT_TYPES], { short: 't', help: 'What the names are names of' }),
  },
  args: { min: 0, completion: { kind: 'names', of: ['containers', 'images', 'volumes', 'secrets'] } },
  run: async ({ flags, args, context }) => {
    const names = await namesOf(args, flags.latest, context)
    const types = flags.latest ? ['container' as const] : flags.type === 'all' ? INSPECT_TYPES : [flags.type]
    return await inspectAll(names, { context, types, format: flags.format, size: flags.size })
  },
})

/** `bryo image inspect`. */
export const imageInspect: Command = defineCommand({
  usage: '[options] IMAGE [IMAGE...]',
  description: 'Shows all that is known about images, as JSON.',
  examples: ["image inspect --format '{{.Id}}' alpine"],
  flags: { format },
  args: { min: 1, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args, context }) => {
    return await inspectAll(args, { context, types: ['image'], format: flags.format, size: false })
  },
})

/** `bryo container inspect`. */
export const containerInspect: Command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Shows all that is known about containers, as JSON.',
  examples: ["container inspect --format '{{.State.Status}}' web"],
  flags: { format, latest, size },
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const names = await namesOf(args, flags.latest, context)
    const { format: given, size: measured } = flags
    return await inspectAll(names, { context, types: ['container'], format: given, size: measured })
  },
})

async function namesOf(
  args: readonly string[],
  wantsLatest: boolean,
  context: CommandContext,
): Promise<readonly string[]> {
  if (!wantsLatest) {
    if (args.length === 0) throw new BryoError('USAGE', 'no names or ids specified')
    return args
  }
  if (args.length > 0) throw new BryoError('USAGE', '--latest and arguments cannot be used together')
  const { latestContainer } = await import('../../engine/container/latest.ts')
  return [latestContainer(engineOf(context)).id]
}

interface InspectOptions {
  readonly context: CommandContext
  readonly types: readonly InspectType[]
  readonly format: string | undefined
  readonly size: boolean
}

/** What is found is printed, also where another name is unknown. */
async function inspectAll(names: readonly string[], options: InspectOptions): Promise<number> {
  const { context } = options
  const engine = engineOf(context)
  const found: Inspected[] = []
  const failures: BryoError[] = []
  for (const name of names) {
    try {
      found.push(await inspectOne(engine, name, options))
    } catch (error) {
      if (!(error instanceof BryoError)) throw error
      failures.push(error)
    }
  }
  await writeShown(await formatInspected(found, options.format))
  for (const error of failures) await printError(error, context.facts.env, context.facts.debug)
  return failures.length === 0 ? 0 : 125
}

async function inspectOne(
  engine: Engine,
  name: string,
  { types, size: measured }: InspectOptions,
): Promise<Inspected> {
  for (const type of types) {
    try {
      return { type, document: await lookUp(engine, type, { name, size: measured }) }
    } catch (error) {
      if (!(error instanceof BryoError) || error.code !== 'NOT_FOUND') throw error
    }
  }
  const [only] = types
  throw new BryoError(
    'NOT_FOUND',
    types.length > 1 || only === undefined
      ? `no such object: "${name}"`
      : only === 'image'
        ? `${name}: image not known`
        : `no such ${only} ${name}`,
  )
}

/** Code that looks at other kinds of objects is not loaded. */
async function lookUp(
  engine: Engine,
  type: InspectType,
  { name, size: measured }: { readonly name: string; readonly size: boolean },
): Promise<Document> {
  switch (type) {
    case 'container': {
      const { inspectContainer } = await import('../../engine/container/inspect/inspect.ts')
      return inspectContainer(engine, name, { size: measured })
    }
    case 'image': {
      const { inspectImage } = await import('../../engine/image/inspect.ts')
      const { localImageName } = await import('../../engine/registry/localName.ts')
      return inspectImage(engine, await localImageName(engine, name))
    }
    case 'volume': {
      const { describeVolume, volumeDocument } = await import('../../engine/volume/list.ts')
      return volumeDocument(describeVolume(engine, name))
    }
    case 'secret': {
      const { secretDocument } = await import('../../engine/secret/secrets.ts')
      const { requireSecret } = await import('../../storage/secret/secrets.ts')
      return secretDocument(engine, requireSecret(engine.store, name))
    }
  }
}
