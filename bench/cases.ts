import { join } from 'node:path'
import type { Host } from './host.ts'
import type { LayeredImage } from './images.ts'
import type { Action, Case } from './measure.ts'

export interface Subjects {
  readonly host: Host
  readonly rootfs: string
  readonly layered: LayeredImage
  readonly reference: string | undefined
  /** In the registry, of many small layers. */
  readonly smallLayers: string | undefined
  /** The command line that starts podman on a store of its own; undefined where it is not installed. */
  readonly podman: readonly string[] | undefined
  readonly quick: boolean
}

const IMAGE = 'localhost/busybox'
const LAYERED = 'localhost/layered'
export const SMALL_LAYERS = 60

/** What is measured, with design goals as parts of podman's time. */
export function planCases(subjects: Subjects): readonly Case[] {
  const { host, layered, reference, smallLayers, quick } = subjects
  const [few, many] = quick ? [1, 5] : [3, 25]
  const both = (args: readonly string[]) => tools(subjects, args)
  const without = ['run', '--rm', '--network', 'none', IMAGE, 'true']
  // Layers that one name holds would not be unpacked for the other.
  const names = [LAYERED, ...(reference === undefined ? [] : [reference])]
  const fresh = (args: readonly string[]) =>
    tools(
      subjects,
      args,
      names.map((name) => ['rmi', '--force', name]),
    )
  const size = `${layered.megabytes} MB, 3 layers`
  const archived = `oci-archive:${layered.archive}`
  const saved = join(host.home, 'saved')
  const copy = (from: string) => skopeoCopy(host, from)
  const cases: Case[] = [
    {
      name: 'run --rm, no network',
      tools: { ...both(without), ...floor(subjects) },
      goal: 1 / 6,
      rounds: many,
    },
    {
      name: 'run --rm, default network',
      tools: both(['run', '--rm', IMAGE, 'true']),
      goal: 1 / 5,
      rounds: many,
    },
    {
      name: 'run --rm, fuse-overlayfs',
      tools: { bryo: action(host, [host.bryo, '--storage-driver', 'fuse-overlayfs', ...without]) },
      rounds: many,
    },
    { name: 'ps', tools: both(['ps', '--all']), goal: 1 / 2, rounds: many },
    { name: 'images', tools: both(['images']), goal: 1 / 2, rounds: many },
    { name: 'inspect', tools: both(['inspect', IMAGE]), goal: 1 / 2, rounds: many },
    {
      name: `load (${size}, ${layered.files} files)`,
      tools: { ...fresh(['load', '--quiet', '--input', layered.archive]), ...copy(archived) },
      rounds: few,
    },
    {
      name: `save (${size})`,
      tools: {
        ...tools(
          subjects,
          ['save', '--quiet', '--format', 'oci-archive', '--output', saved, LAYERED],
          undefined,
          [['rm', '-f', saved]],
        ),
        ...copy(`oci:${layered.layout}`),
      },
      rounds: few,
    },
  ]
  if (reference === undefined || smallLayers === undefined) return cases
  const pull = (name: string) => ['pull', '--quiet', '--tls-verify=false', name]
  const small = tools(subjects, pull(smallLayers), [['rmi', '--force', smallLayers]])
  return [
    ...cases,
    {
      name: `pull (${size})`,
      tools: { ...fresh(pull(reference)), ...copy(`docker://${reference}`) },
      goal: 1 / 2,
      rounds: few,
    },
    {
      name: `pull (${SMALL_LAYERS} small layers)`,
      tools: { ...small, ...copy(`docker://${smallLayers}`) },
      goal: 1 / 2,
      rounds: few,
    },
    {
      name: 'push (nothing is missing)',
      tools: tools(subjects, ['push', '--quiet', '--tls-verify=false', smallLayers]),
      rounds: few,
    },
  ]
}

function action(host: Host, argv: readonly string[], cleaning: readonly (readonly string[])[] = []): Action {
  return {
    run: () => void host.mustRun(argv),
    // There is nothing to remove the first time.
    prepare: () => {
      for (const command of cleaning) host.run(command)
    },
  }
}

function tools(
  { host, podman }: Subjects,
  args: readonly string[],
  /** By the tool itself, and by other programs. */
  cleaning: readonly (readonly string[])[] = [],
  otherCleaning: readonly (readonly string[])[] = [],
): Case['tools'] {
  const of = (program: readonly string[]) =>
    action(
      host,
      [...program, ...args],
      [...cleaning.map((command) => [...program, ...command]), ...otherCleaning],
    )
  return { bryo: of([host.bryo]), ...(podman && { podman: of(podman) }) }
}

/** The same bytes into a directory: skopeo unpacks no layer. Nothing where it is not installed. */
function skopeoCopy(host: Host, from: string): Case['tools'] {
  const program = host.find('skopeo')
  if (program === undefined) return {}
  const target = join(host.home, 'copied')
  const copy = [program, 'copy', '--quiet', '--insecure-policy', '--src-tls-verify=false']
  return { skopeo: action(host, [...copy, from, `oci:${target}:copied`], [['rm', '-rf', target]]) }
}

/** What nothing can be faster than: a sandbox in C, and the runtime with an empty program. */
function floor({ host, rootfs }: Subjects): Case['tools'] {
  const bubblewrap = host.find('bwrap')
  return {
    ...(bubblewrap && {
      bubblewrap: action(host, [
        bubblewrap,
        '--unshare-all',
        '--ro-bind',
        rootfs,
        '/',
        '--proc',
        '/proc',
        '--dev',
        '/dev',
        '/bin/true',
      ]),
    }),
    runtime: action(host, [host.bun, '-e', '0']),
  }
}
