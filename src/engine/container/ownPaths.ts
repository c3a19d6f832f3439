/** Places that every start makes to mount on. */
const OWN_PATHS: ReadonlySet<string> = new Set([
  ...['/dev', '/proc', '/sys', '/run/secrets', '/run/.containerenv'],
  ...['/etc/hostname', '/etc/hosts', '/etc/localtime', '/etc/mtab', '/etc/resolv.conf'],
])

/** Whether a path of a container is none of its own making. */
export function isOwnPath(path: string): boolean {
  return OWN_PATHS.has(path)
}
