import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ProbeResult } from '../../storage/rootfs/probe.ts'
import { NETWORK_FILESYSTEMS } from '../storageConf.ts'
import { type DoctorFacts, type Finding, finding } from './finding.ts'
import { accessProblem, checkProgram, judgeDevice } from './programs.ts'

const OVERLAY = { id: 'overlay', title: 'native overlay' }
const FILESYSTEM = { id: 'store-filesystem', title: 'filesystem of the store' }
const SPACE = { id: 'store-space', title: 'free space of the store' }

/** fuse-overlayfs is what stands in for native overlay: without that, it has to work. */
export function checkStorage(facts: DoctorFacts): readonly Finding[] {
  const probe = facts.probeOverlay?.()
  const state = probe?.works === false ? 'error' : 'warning'
  const place = existingParent(facts.dataRoot)
  const { type, bavail, bsize } = statfsSync(place)
  return [
    judgeOverlay(probe),
    judgeDevice('/dev/fuse', accessProblem('/dev/fuse'), {
      state,
      use: 'fuse-overlayfs',
      fix: 'as root: modprobe fuse; [ -e /dev/fuse ] || mknod /dev/fuse c 10 229; chmod 0666 /dev/fuse',
    }),
    checkProgram(facts, {
      name: 'fuse-overlayfs',
      package: 'fuse-overlayfs',
      missing: state,
      use: '--userns=keep-id and hosts without native overlay',
    }),
    judgeFilesystem(facts.dataRoot, type),
    judgeSpace(facts.dataRoot, bavail * bsize),
  ]
}

function existingParent(path: string): string {
  let existing = path
  while (!existsSync(existing) && existing !== dirname(existing)) existing = dirname(existing)
  return existing
}

export function judgeOverlay(probe: ProbeResult | undefined): Finding {
  if (!probe) return finding(OVERLAY, 'skipped', 'not probed')
  if (probe.works)
    return finding(OVERLAY, 'ok', 'works in a user namespace, removal of lower directories included')
  const fix =
    'nothing: fuse-overlayfs is used, which is slower; a kernel of 5.11 or newer and a local ext4, xfs or btrfs have it'
  return finding(OVERLAY, 'warning', probe.problem, fix)
}

export function judgeFilesystem(dataRoot: string, type: number): Finding {
  const name = NETWORK_FILESYSTEMS.get(type)
  if (name === undefined) return finding(FILESYSTEM, 'ok', `${dataRoot} is on a local disk`)
  const fix =
    'put the store on a local disk: graphroot = /var/tmp/bryo-$UID in the section [storage] of ~/.config/bryo/bryo.conf, or --root'
  const detail = `${dataRoot} is on ${name}, where files cannot belong to subordinate ids`
  return finding(FILESYSTEM, 'error', detail, fix)
}

const MIB = 1024 * 1024

/** @param free bytes */
export function judgeSpace(dataRoot: string, free: number): Finding {
  const detail = `${free < 1024 * MIB ? `${Math.floor(free / MIB)} MiB` : `${(free / 1024 / MIB).toFixed(1)} GiB`} at ${dataRoot}`
  const fix = 'free some: bryo system prune, or choose another place with --root'
  if (free < 100 * MIB) return finding(SPACE, 'error', detail, fix)
  if (free < 2048 * MIB) return finding(SPACE, 'warning', detail, fix)
  return finding(SPACE, 'ok', detail)
}
