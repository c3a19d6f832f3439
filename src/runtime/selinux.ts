export type SelinuxSettings =
  | { readonly kind: 'disabled' }
  | {
      readonly kind: 'labelled'
      readonly nested: boolean
      /** Parts of the label that are asked for: user, role, type, level, filetype. */
      readonly parts: Readonly<Partial<Record<SelinuxPart, string>>>
    }

export type SelinuxPart = 'user' | 'role' | 'type' | 'level' | 'filetype'

export interface SelinuxLabels {
  readonly process: string
  /** Of the container's files. */
  readonly mount: string
}

const DEFAULT_CONTEXTS: SelinuxLabels = {
  process: 'system_u:system_r:container_t:s0',
  mount: 'system_u:object_r:container_file_t:s0',
}

/** The contexts that a policy has for containers. @param text of the file lxc_contexts @see lxc_contexts(5) */
export function parseContexts(text: string): SelinuxLabels {
  const read = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*"?([^"\\s]+)"?\\s*$`, 'm').exec(text)?.[1]
  return {
    process: read('process') ?? DEFAULT_CONTEXTS.process,
    mount: read('file') ?? DEFAULT_CONTEXTS.mount,
  }
}

/**
 * The labels of a container; undefined where no part of one was asked for: then it keeps the caller's.
 * @param seed hexadecimal digits of the container: without a level of the user's it gets two categories of its own
 */
export function selinuxLabels(
  settings: SelinuxSettings,
  contexts: SelinuxLabels,
  seed: string,
): SelinuxLabels | undefined {
  if (settings.kind === 'disabled' || Object.keys(settings.parts).length === 0) return undefined
  const { user, role, type, filetype, level = ownLevel(seed) } = settings.parts
  return {
    process: replaceParts(contexts.process, { user, role, type, level }),
    mount: replaceParts(contexts.mount, { user, role: undefined, type: filetype, level }),
  }
}

type Parts = Readonly<Record<'user' | 'role' | 'type' | 'level', string | undefined>>

/** A level may have colons of its own. */
function replaceParts(context: string, { user, role, type, level }: Parts): string {
  const [oldUser = '', oldRole = '', oldType = ''] = context.split(':')
  return [user ?? oldUser, role ?? oldRole, type ?? oldType, level].join(':')
}

const CATEGORIES = 1024

function ownLevel(seed: string): string {
  const first = Number.parseInt(seed.slice(0, 4), 16) % CATEGORIES
  const other = Number.parseInt(seed.slice(4, 8), 16) % (CATEGORIES - 1)
  const second = other < first ? other : other + 1
  return `s0:c${Math.min(first, second)},c${Math.max(first, second)}`
}
