import { BryoError } from '../../base/errors.ts'
import { type DiffSubject, diffObjects } from '../../engine/container/diff.ts'
import { latestContainer } from '../../engine/container/latest.ts'
import type { PathChange } from '../../engine/container/stage/listChanges.ts'
import type { Engine } from '../../engine/engine.ts'
import { localImageName } from '../../engine/registry/localName.ts'
import { findContainer } from '../../storage/container/find.ts'
import { type Command, type CommandSpec, defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import type { NamedObject } from '../flags/flag.ts'
import { isJsonFormat } from '../format/rows.ts'
import { CONTAINER_DIFF_FLAGS, DIFF_FLAGS } from '../options/containerFiles.ts'
import { writeOut } from '../output.ts'

export const command = diffCommand('all', {
  usage: '[options] CONTAINER|IMAGE [CONTAINER|IMAGE]',
  description:
    'Lists what a container has changed in its image, or the top layer of an image: A for added, C for changed, D for deleted. A second name is what the first one is compared with.',
  examples: ['diff web', 'diff --format json web', 'diff web other'],
  of: ['containers', 'images'],
})

/** `bryo container diff`. */
export const containerDiff = diffCommand('container', {
  usage: '[options] CONTAINER [CONTAINER]',
  description: 'Lists what a container has changed in its image: A for added, C for changed, D for deleted.',
  examples: ['container diff web'],
  of: ['containers'],
})

/** `bryo image diff`. */
export const imageDiff = diffCommand('image', {
  usage: '[options] IMAGE [IMAGE]',
  description: 'Lists what the top layer of an image has changed: A for added, C for changed, D for deleted.',
  examples: ['image diff alpine'],
  of: ['images'],
})

interface DiffWords extends Pick<CommandSpec<typeof DIFF_FLAGS>, 'usage' | 'description' | 'examples'> {
  readonly of: readonly NamedObject[]
}

function diffCommand(subject: DiffSubject, { of, ...words }: DiffWords): Command {
  const common = { ...words, args: { min: 0, max: 2, completion: { kind: 'names', of } } } as const
  if (subject === 'image') {
    return defineCommand({
      ...common,
      flags: DIFF_FLAGS,
      run: ({ flags, args, context }) => printDiff(engineOf(context), subject, args, flags.format),
    })
  }
  return defineCommand({
    ...common,
    flags: CONTAINER_DIFF_FLAGS,
    run: async ({ flags, args, context }) => {
      const engine = engineOf(context)
      if (flags.latest && args.length > 1)
        throw new BryoError('USAGE', '--latest and two names cannot be used together')
      const latest = flags.latest ? [latestContainer(engine).id] : []
      return await printDiff(engine, subject, [...latest, ...args], flags.format)
    },
  })
}

async function printDiff(
  engine: Engine,
  subject: DiffSubject,
  [first, second]: readonly string[],
  format: string | undefined,
): Promise<number> {
  if (first === undefined)
    throw new BryoError(
      'USAGE',
      `the name or id of ${subject === 'image' ? 'an image' : 'a container'} is required`,
    )
  const named = (name: string) => nameOf(engine, name, subject)
  const subjects: [string, string?] = [await named(first)]
  if (second !== undefined) subjects.push(await named(second))
  const changes = diffObjects(engine, subjects, subject)
  writeOut(await textOf(changes, format))
  return 0
}

async function textOf(changes: readonly PathChange[], format: string | undefined): Promise<string> {
  if (isJsonFormat(format)) return jsonOf(changes)
  if (format === undefined) return changes.map(({ kind, path }) => `${kind} ${oneLine(path)}\n`).join('')
  const { compileTemplate } = await import('../template/template.ts')
  const template = compileTemplate(format)
  return changes.map(({ kind, path }) => `${template.render({ Kind: kind, Path: path })}\n`).join('')
}

/** As Podman: the paths by kind, kinds without any left out. */
function jsonOf(changes: readonly PathChange[]): string {
  const of = (wanted: PathChange['kind']) =>
    changes.filter(({ kind }) => kind === wanted).map(({ path }) => path)
  const kinds = { changed: of('C'), added: of('A'), deleted: of('D') }
  const present = Object.entries(kinds).filter(([, paths]) => paths.length > 0)
  return `${JSON.stringify(Object.fromEntries(present), null, 5)}\n`
}

/** A line a path, whatever its name holds. */
function oneLine(path: string): string {
  return path.replace(
    /[\u0000-\u001f\u007f-\u009f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** A container's name stays as it is. */
async function nameOf(engine: Engine, name: string, subject: DiffSubject): Promise<string> {
  if (subject === 'container' || (subject === 'all' && findContainer(engine.store, name))) return name
  return localImageName(engine, name)
}
