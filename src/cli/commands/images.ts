import { assertNever } from '../../base/assert.ts'
import { digestHex } from '../../base/digest.ts'
import { once } from '../../base/once.ts'
import { shortId } from '../../base/shortId.ts'
import type { Engine } from '../../engine/engine.ts'
import { describeListed, type ListedDetails, listImages } from '../../engine/image/list.ts'
import { IMAGE_FILTERS } from '../../engine/image/listFilter.ts'
import { manifestNamed } from '../../storage/image/manifests.ts'
import type { ImageSummary } from '../../storage/image/record.ts'
import { readManifestLists } from '../../storage/manifestList/read.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { parseFilters } from '../filter.ts'
import { type Column, formatJson, formatRows, isJsonFormat } from '../format/rows.ts'
import { humanAgo, humanSize } from '../format/units.ts'
import { IMAGES_FLAGS, type IMAGES_SORTS } from '../options/images.ts'
import { writeOut } from '../output.ts'
import { momentOf } from '../pruneFilter.ts'

/** A line of the list: an image under one of its names. */
interface Row {
  readonly image: ImageSummary
  readonly id: string
  readonly repository: string
  readonly tag: string
  /** Of the manifest that the name means. */
  readonly digest: string
  readonly createdSince: string
  /** Costs the reading of all images. */
  readonly details: () => ListedDetails
}

export const command = defineCommand({
  usage: '[options] [IMAGE...]',
  description: 'Lists the images of the store, one line for each name; the newest come first.',
  examples: [
    'images',
    'images --filter dangling=true -q',
    "images --format '{{.Repository}}:{{.Tag}} {{.Size}}'",
  ],
  flags: IMAGES_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const filters = parseFilters(flags.filter, IMAGE_FILTERS)
    const others = await manifestLists(engine)
    const images = listImages(engine, { filters, names: args, intermediate: flags.all, others, momentOf })
    const docker = context.program === 'docker'
    const detailsOf = lazyDetails(engine)
    if (isJsonFormat(flags.format) && !docker) {
      writeOut(formatJson(images.map((image) => imageJson(image, detailsOf(image)()))))
      return 0
    }
    const words = { noTrunc: flags.noTrunc, now: Date.now() }
    const rows = sortRows(
      images.flatMap((image) => toRows(image, words, detailsOf(image))),
      flags.sort,
    )
    if (flags.quiet) {
      writeOut([...new Set(rows.map(({ id }) => `${id}\n`))].join(''))
      return 0
    }
    writeOut(
      await formatRows(rows, {
        columns: columnsFor(images, flags),
        format: flags.format,
        noHeading: flags.noheading,
        fields: templateFields,
        titles: { ID: 'IMAGE ID', CreatedSince: 'CREATED', CreatedAt: 'CREATED AT' },
        json: (row) => imageJson(row.image, row.details()),
        jsonLines: docker,
      }),
    )
    return 0
  },
})

/** Code that makes documents of them is loaded where there are some. */
async function manifestLists(engine: Engine): Promise<readonly ImageSummary[]> {
  if (readManifestLists(engine.store).length === 0) return []
  const { listsAsImages } = await import('../../engine/registry/listsAsImages.ts')
  return listsAsImages(engine)
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'REPOSITORY', cell: (row) => row.repository },
  { title: 'TAG', cell: (row) => row.tag },
  { title: 'DIGEST', cell: (row) => row.digest },
  { title: 'IMAGE ID', cell: (row) => row.id },
  { title: 'CREATED', cell: (row) => row.createdSince },
  { title: 'SIZE', cell: (row) => humanSize(row.image.size) },
  { title: 'R/O', cell: (row) => String(row.image.readOnly ?? false) },
  { title: 'HISTORY', cell: (row) => historyOf(row.image).join(', ') || NONE },
]

function columnsFor(
  images: readonly ImageSummary[],
  { digests, history }: { readonly digests: boolean; readonly history: boolean },
): readonly Column<Row>[] {
  const hasReadOnly = images.some(({ readOnly = false }) => readOnly)
  const wanted: Readonly<Record<string, boolean>> = { DIGEST: digests, HISTORY: history, 'R/O': hasReadOnly }
  return COLUMNS.filter(({ title }) => wanted[title] ?? true)
}

function lazyDetails(engine: Engine): (image: ImageSummary) => () => ListedDetails {
  const describe = once(() => describeListed(engine))
  return ({ id }) =>
    () =>
      describe()(id)
}

const NONE = '<none>'

function toRows(
  image: ImageSummary,
  { noTrunc, now }: { readonly noTrunc: boolean; readonly now: number },
  details: () => ListedDetails,
): readonly Row[] {
  const id = noTrunc ? image.id : shortId(image.id)
  const createdSince = humanAgo(Date.parse(image.created), now)
  const names = image.names.length === 0 ? [`${NONE}:${NONE}`] : image.names
  return names.map((name) => {
    const colon = name.lastIndexOf(':')
    const [repository, tag] = [name.slice(0, colon), name.slice(colon + 1)]
    return { image, id, repository, tag, digest: manifestNamed(image, name), createdSince, details }
  })
}

function sortRows(rows: readonly Row[], key: (typeof IMAGES_SORTS)[number]): readonly Row[] {
  const by = (text: (row: Row) => string) => rows.toSorted((a, b) => (text(a) < text(b) ? -1 : 1))
  switch (key) {
    case 'created':
      return rows
    case 'id':
      return by((row) => row.image.id)
    case 'repository':
      return by((row) => `${row.repository}:${row.tag}`)
    case 'tag':
      return by((row) => row.tag)
    case 'size':
      return rows.toSorted((a, b) => a.image.size - b.image.size)
    default:
      return assertNever(key)
  }
}

function templateFields(row: Row): Readonly<Record<string, unknown>> {
  const { image, id, repository, tag, createdSince } = row
  return {
    ID: id,
    Id: digestHex(image.id),
    Repository: repository,
    Tag: tag,
    Digest: row.digest,
    Created: createdSince,
    CreatedSince: createdSince,
    CreatedAt: image.created,
    Size: humanSize(image.size),
    VirtualSize: humanSize(image.size),
    Names: image.names,
    RepoTags: image.names,
    RepoDigests: image.repoDigests,
    Dangling: image.names.length === 0,
    History: historyOf(image).join(', '),
    ReadOnly: image.readOnly ?? false,
    IsManifestList: image.isList ?? false,
    get Containers() {
      return row.details().containers
    },
    get Labels() {
      return row.details().labels
    },
    get ParentId() {
      return row.details().parent?.slice('sha256:'.length) ?? ''
    },
    get SharedSize() {
      return humanSize(row.details().sizes.shared)
    },
    get UniqueSize() {
      return humanSize(row.details().sizes.unique)
    },
  }
}

/** The names that an image has, and those that it had. */
function historyOf({ names, formerNames = [] }: ImageSummary): readonly string[] {
  return [...new Set([...names, ...formerNames])]
}

/** One object an image, with all of its names. */
function imageJson(image: ImageSummary, { parent, labels, containers, sizes }: ListedDetails): unknown {
  return {
    Id: digestHex(image.id),
    ParentId: parent?.slice('sha256:'.length) ?? '',
    RepoTags: image.names.length === 0 ? null : image.names,
    RepoDigests: image.repoDigests,
    Names: image.names,
    Digest: image.manifestDigest,
    Created: Math.floor(Date.parse(image.created) / 1000),
    CreatedAt: image.created,
    Size: image.size,
    VirtualSize: image.size,
    SharedSize: sizes.shared,
    UniqueSize: sizes.unique,
    Labels: labels,
    Containers: containers,
    ReadOnly: image.readOnly ?? false,
    IsManifestList: image.isList ?? false,
    History: historyOf(image),
    Dangling: image.names.length === 0,
  }
}
