import { BryoError } from '../../base/errors.ts'
import { inspectContainer } from '../../engine/container/inspect.ts'
import type { Engine } from '../../engine/engine.ts'
import { inspectImage } from '../../engine/image/inspect.ts'
import { type Command, defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { choiceOr, text } from '../flags/kinds.ts'
import { formatJson, isJsonFormat } from '../format/rows.ts'
import { writeOut } from '../output.ts'
import { printError } from '../report.ts'

type Document = Readonly<Record<string, unknown>>

/** Kinds of objects in the order in which a name is looked up. */
const INSPECTORS: Readonly<Record<InspectType, (engine: Engine, name: string) => Document>> = {
  container: inspectContainer,
  image: inspectImage,
}
const TYPES = ['container', 'image'] as const
type InspectType = (typeof TYPES)[number]

const format = text({ short: 'f', help: 'Print as json, or with a Go template' })

export const command = defineCommand({
  usage: '[options] NAME [NAME...]',
  description: 'Shows all that is known about containers and images, as JSON.',
  examples: ['inspect web', 'inspect alpine', "inspect --format '{{.Config.Env}}' alpine"],
  flags: {
    format,
    type: choiceOr('all', ['all', ...TYPES], { help: 'What the names are names of' }),
  },
  args: {
    min: 1,
    missing: 'no names or ids specified',
    completion: { kind: 'names', of: ['containers', 'images'] },
  },
  run: async ({ flags, args, context }) => {
    const types = flags.type === 'all' ? TYPES : [flags.type]
    return await inspectAll(args, { context, types, format: flags.format })
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
    return await inspectAll(args, { context, types: ['image'], format: flags.format })
  },
})

/** `bryo container inspect`. */
export const containerInspect: Command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Shows all that is known about containers, as JSON.',
  examples: ["container inspect --format '{{.State.Status}}' web"],
  flags: { format },
  args: { min: 1, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    return await inspectAll(args, { context, types: ['container'], format: flags.format })
  },
})

interface InspectOptions {
  readonly context: Parameters<Command['invoke']>[2]
  readonly types: readonly InspectType[]
  readonly format: string | undefined
}

/** What is found is printed, also where another name is unknown. */
async function inspectAll(names: readonly string[], options: InspectOptions): Promise<number> {
  const { context } = options
  const engine = engineOf(context)
  const documents: Document[] = []
  let exitCode = 0
  for (const name of names) {
    try {
      documents.push(inspectOne(engine, name, options.types))
    } catch (error) {
      if (!(error instanceof BryoError)) throw error
      await printError(error, context.facts.env, context.facts.debug)
      exitCode = 125
    }
  }
  writeOut(await documentsText(documents, options.format))
  return exitCode
}

function inspectOne(engine: Engine, name: string, types: readonly InspectType[]): Document {
  for (const type of types) {
    try {
      return INSPECTORS[type](engine, name)
    } catch (error) {
      if (!(error instanceof BryoError) || error.code !== 'NOT_FOUND') throw error
    }
  }
  throw new BryoError('NOT_FOUND', `no such object: "${name}"`)
}

async function documentsText(documents: readonly Document[], given: string | undefined): Promise<string> {
  if (given === undefined || isJsonFormat(given)) return formatJson(documents)
  const { compileTemplate } = await import('../template/template.ts')
  const { dictionaries } = await import('../template/value.ts')
  const template = compileTemplate(given)
  return documents
    .map((document) => {
      // Empty parts are left out of the document, so only its own members are known for certain.
      const members = Object.entries(document).map(([key, value]) => [key, dictionaries(value)])
      const data: Document = Object.fromEntries(members)
      return `${template.render({ ...data, ID: document.Id })}\n`
    })
    .join('')
}
