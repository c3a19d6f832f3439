import { toggle } from '../flags/kinds.ts'
import { refused } from '../flags/refused.ts'

const NO_PODS = 'there are no pods'
const NO_REALTIME = 'cgroup v2 has no real-time limits, and those of cgroup v1 need root'

/** Limits of Podman's and Docker's that no control group of a user can have. */
export const REFUSED_LIMIT_FLAGS = {
  'cpu-rt-period': refused(NO_REALTIME),
  'cpu-rt-runtime': refused(NO_REALTIME),
  'kernel-memory': refused('the kernel has no such limit any more; use --memory'),
  'memory-swappiness': refused('cgroup v2 has no swappiness of a group', { harmless: ['-1'] }),
}

export const CONTENT_TRUST = toggle({ help: 'Has no effect: digests and policy.json decide' })

/** What Podman and Docker take to make a container, and what cannot work without root, without a daemon or on cgroup v2. */
export const REFUSED_FLAGS = {
  ...REFUSED_LIMIT_FLAGS,
  'decryption-key': refused('encrypted images are not supported'),
  'device-cgroup-rule': refused(
    'rules for devices need root; the permissions of the nodes on this host decide',
  ),
  'disable-content-trust': CONTENT_TRUST,
  gpus: refused('CDI is not supported; name the nodes of the device with --device'),
  'health-start-interval': refused('give a command of its own with --health-startup-cmd'),
  link: refused('there are no bridge networks; use --network container:NAME'),
  'link-local-ip': refused('there are no bridge networks'),
  'oom-kill-disable': refused('cgroup v2 always has the OOM killer; use --oom-score-adj', {
    isSwitch: true,
  }),
  pod: refused(NO_PODS),
  'pod-id-file': refused(NO_PODS),
  'rdt-class': refused('resctrl needs root'),
  'seccomp-policy': refused('profiles of images are not used; use --security-opt seccomp=FILE', {
    harmless: ['default'],
  }),
  'volume-driver': refused('volumes are directories of the store', { harmless: ['', 'local'] }),
}

/** Those of `create` alone. */
export const REFUSED_CREATE_FLAGS = { 'init-ctr': refused(NO_PODS) }
