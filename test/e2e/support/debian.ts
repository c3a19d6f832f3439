import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { RUNS_AS_ROOT } from './user.ts'

/** Where the root is kept from one run to the next. */
const CACHE = RUNS_AS_ROOT
  ? '/var/cache/bryo-test'
  : join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'bryo-test')

/**
 * A minimal Debian root of this host's release as a tar archive; undefined where it is not wanted: tests load packages in it
 * from the mirror. It is made where BRYO_TEST_DEBIAN is 1, and used where it has been made before.
 */
export async function debianArchive(): Promise<string | undefined> {
  const wanted = process.env.BRYO_TEST_DEBIAN
  const archive = join(CACHE, 'debian.tar')
  if (wanted === '0' || (wanted !== '1' && !existsSync(archive))) return undefined
  if (wanted !== '1' && !(await mirrorAnswers())) return undefined
  if (!existsSync(archive)) make(archive)
  return archive
}

/** The mirror that this host itself uses. */
async function mirrorAnswers(): Promise<boolean> {
  const mirror = findMirror()
  if (mirror === undefined) return false
  try {
    const answer = await fetch(mirror, { method: 'HEAD', signal: AbortSignal.timeout(5000) })
    return answer.ok
  } catch {
    return false
  }
}

function findMirror(): string | undefined {
  const targets = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { encoding: 'utf8' })
  return targets.split('\n').find((uri) => uri.startsWith('http'))
}

function make(archive: string): void {
  mkdirSync(CACHE, { recursive: true })
  const release = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable'
  const unfinished = join(CACHE, `${process.pid}.tar`)
  try {
    execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', release, unfinished], { stdio: 'inherit' })
    renameSync(unfinished, archive)
  } finally {
    rmSync(unfinished, { force: true })
  }
}
