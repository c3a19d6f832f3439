import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { release } from 'node:os'
import { messageOf } from '../../base/errors.ts'
import { lgetxattr, lsetxattr } from '../../syscall/file.ts'
import { MS, mount, unmountDetach } from '../../syscall/mount.ts'
import { unshare } from '../../syscall/namespace.ts'
import { bootId } from '../../syscall/proc.ts'
import { chdir } from '../../syscall/process.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { hostPath } from '../hostPath.ts'
import { fieldsOf, readJsonFile } from '../json.ts'
import type { RunInUserns } from '../runInUserns.ts'
import type { Store } from '../store.ts'
import { removeTree } from '../tree/remove.ts'
import { beginOwnWork } from '../work.ts'

export type ProbeResult =
  | { readonly works: true }
  /** `problem` names the step and the errno. */
  | { readonly works: false; readonly problem: string }

/**
 * Whether the kernel's overlay can be mounted in a user namespace on the store's filesystem, and does what containers need.
 * Really tried once a boot; the answer is kept in the store.
 */
export function probeOverlay(store: Store, runInUserns: RunInUserns): ProbeResult {
  const path = hostPath(store.dataRoot, 'overlay.json')
  const key = `${release()} ${bootId()} ${statfsSync(store.dataRoot).type.toString(16)}`
  const known = readCache(path, key)
  if (known) return known
  const result = runProbe(store, runInUserns)
  writeJsonAtomic(path, { key, problem: result.works ? '' : result.problem }, { durable: false })
  return result
}

function readCache(path: string, key: string): ProbeResult | undefined {
  const content = readJsonFile(path)
  if (content === undefined) return undefined
  const fields = fieldsOf(content, path)
  if (fields.text('key') !== key) return undefined
  return resultOf(fields.text('problem'))
}

const resultOf = (problem: string): ProbeResult =>
  problem === '' ? { works: true } : { works: false, problem }

function runProbe(store: Store, runInUserns: RunInUserns): ProbeResult {
  using work = beginOwnWork(store, 'probe')
  try {
    prepare(work.path)
    const status = runInUserns(() => {
      writeFileSync(`${work.path}/problem`, tryOverlay(work.path))
      return 0
    })
    if (status.kind === 'exited' && status.code === 0)
      return resultOf(readFileSync(`${work.path}/problem`, 'utf8'))
    const end =
      status.kind === 'exited' ? `ended with ${status.code}` : `was killed by signal ${status.signal}`
    return { works: false, problem: `the process that tried it ${end}` }
  } finally {
    removeTree(work.path, { runInUserns })
    work.finish()
  }
}

function prepare(base: string): void {
  for (const name of ['', 'lower', 'lower/full', 'lower/empty', 'upper', 'work', 'merged'])
    mkdirSync(`${base}/${name}`)
  for (const name of ['doomed', 'moved', 'marked', 'full/inner']) writeFileSync(`${base}/lower/${name}`, name)
}

/** In the child: the first problem, or an empty text. */
function tryOverlay(base: string): string {
  const merged = `${base}/merged`
  let mounted = false
  try {
    for (const [name, run] of steps(base, merged)) {
      try {
        run()
        mounted ||= name === MOUNTING
      } catch (error) {
        return `${name}: ${messageOf(error)}`
      }
    }
    return ''
  } finally {
    if (mounted) unmountDetach(merged)
  }
}

const MOUNTING = 'mounting'

function steps(base: string, merged: string): readonly (readonly [string, () => void])[] {
  return [
    ['creating a mount namespace', () => unshare(['mount'])],
    ['making mounts private', () => mount({ target: '/', flags: MS.rec | MS.private })],
    [
      MOUNTING,
      () => {
        const data = 'lowerdir=lower,upperdir=upper,workdir=work,userxattr,volatile'
        chdir(base)
        mount({ source: 'overlay', target: merged, fstype: 'overlay', data })
      },
    ],
    ['creating a file', () => writeFileSync(`${merged}/created`, 'created')],
    ['removing a lower file', () => unlinkSync(`${merged}/doomed`)],
    ['renaming a lower file', () => renameSync(`${merged}/moved`, `${merged}/elsewhere`)],
    ['removing a lower directory', () => rmSync(`${merged}/full`, { recursive: true })],
    // Made again, it must not show what the lower one holds: the kernel marks it in an extended attribute.
    ['making it again', () => mkdirSync(`${merged}/full`)],
    ['removing an empty lower directory', () => rmdirSync(`${merged}/empty`)],
    ['setting an extended attribute', () => lsetxattr(`${merged}/marked`, 'user.bryo', Buffer.of(1))],
    ['looking at the result', () => checkResult(merged)],
  ]
}

const EXPECTED = 'created elsewhere full marked'

function checkResult(merged: string): void {
  const names = readdirSync(merged).sort().join(' ')
  if (names !== EXPECTED) throw new Error(`it shows "${names}", expected "${EXPECTED}"`)
  const inner = readdirSync(`${merged}/full`)
  if (inner.length > 0) throw new Error(`the new directory shows the old ${inner.join(' ')}`)
  if (readFileSync(`${merged}/elsewhere`, 'utf8') !== 'moved')
    throw new Error('a renamed file lost its content')
  if (lgetxattr(`${merged}/marked`, 'user.bryo')?.[0] !== 1) throw new Error('an extended attribute was lost')
}
