import { existsSync } from 'node:fs'
import type { Engine } from '../engine.ts'

/** What a container in the background is told where it ends at the logout of its user: it is in a group of the user's systemd, which ends then. */
export function lingerWarning(engine: Engine, cgroup: string | undefined): string | undefined {
  if (cgroup === undefined || !/\/user@\d+\.service\//.test(cgroup)) return undefined
  const { userName } = engine.identity()
  if (existsSync(`/var/lib/systemd/linger/${userName}`)) return undefined
  return `the container ends when you log out; loginctl enable-linger ${userName} lets it go on`
}
