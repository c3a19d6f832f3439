import type { MountEntry } from './facts.ts'

/** @param text of /proc/PID/mountinfo. Lines that are none are left out. @see proc_pid_mountinfo(5) */
export function parseMountinfo(text: string): readonly MountEntry[] {
  return text.split('\n').flatMap((line): readonly MountEntry[] => {
    const [before = '', after = ''] = line.split(' - ', 2)
    const [id, , , root, point, options] = before.split(' ')
    const [fstype] = after.split(' ')
    if (root === undefined || point === undefined || options === undefined || !fstype) return []
    return [
      {
        id: Number(id),
        root: unescapeOctal(root),
        point: unescapeOctal(point),
        fstype,
        options: options.split(','),
      },
    ]
  })
}

/** Blanks and backslashes in names are octal. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** The mount that lies at exactly this point: the uppermost one. */
export function mountAt(mounts: readonly MountEntry[], point: string): MountEntry | undefined {
  return mounts.findLast((entry) => entry.point === point)
}

/** Those at the point and below it. */
export function mountsBelow(mounts: readonly MountEntry[], point: string): readonly MountEntry[] {
  return mounts.filter((entry) => entry.point === point || entry.point.startsWith(`${point}/`))
}

export function isReadOnly({ options }: MountEntry): boolean {
  return options.includes('ro')
}

/** What hides a file or a directory: the null device, or an empty tmpfs that cannot be written. */
export function isMask(entry: MountEntry): boolean {
  return isNullDevice(entry) || (entry.fstype === 'tmpfs' && isReadOnly(entry))
}

function isNullDevice({ root, fstype }: MountEntry): boolean {
  // The host's /dev may be a tmpfs, in containers above all.
  return root.endsWith('/null') && (fstype === 'devtmpfs' || fstype === 'tmpfs')
}
