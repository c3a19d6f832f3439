/** Words of which a mount takes one at most. */
const GROUPS: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  ['z', 'Z'],
  ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable'],
  ['bind', 'rbind'],
  ['suid', 'nosuid'],
  ['dev', 'nodev'],
  ['exec', 'noexec'],
  ['copy', 'nocopy'],
  ['U'],
  ['O'],
]
const BIND_WORDS = new Set([...GROUPS.flat(), 'noatime', 'nodiratime', 'relatime'])
const TMPFS_WORDS = new Set([
  ...['ro', 'rw', 'suid', 'nosuid', 'dev', 'nodev', 'exec', 'noexec', 'U'],
  ...['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable'],
  ...['noatime', 'nodiratime', 'relatime', 'notmpcopyup', 'tmpcopyup', 'noswap'],
])
const TMPFS_KEYS = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks'])

/** Checks the words of a bind mount or a volume; gives them in their order, each once. */
export function checkBindOptions(options: readonly string[]): readonly string[] {
  for (const option of options) {
    if (!BIND_WORDS.has(option)) throw new Error(`unknown option "${option}"`)
  }
  return checkGroups(options)
}

/** Checks the words of a tmpfs; sizes and modes are the kernel's to read. @see tmpfs(5) */
export function checkTmpfsOptions(options: readonly string[]): readonly string[] {
  for (const option of options) {
    const [key = '', value] = option.split('=')
    const known = value === undefined ? TMPFS_WORDS.has(key) : TMPFS_KEYS.has(key)
    if (!known) throw new Error(`unknown option "${option}"`)
    if (key === 'size' && !/^\d+[kmg%]?$/i.test(value ?? '')) {
      throw new Error(`unknown size "${value}", expected a number and one of k, m, g, %`)
    }
    if (key === 'mode' && !/^[0-7]{1,5}$/.test(value ?? '')) {
      throw new Error(`unknown mode "${value}", expected an octal number`)
    }
  }
  return checkGroups(options)
}

function checkGroups(options: readonly string[]): readonly string[] {
  for (const group of GROUPS) {
    const found = [...new Set(options.filter((option) => group.includes(option)))]
    if (found.length > 1) throw new Error(`the options ${found.join(' and ')} exclude each other`)
  }
  return [...new Set(options)]
}
