import type { ContainerId, HostPath } from './brand.ts'
import type { LogConfig } from './logConfig.ts'
import type { PortMapping } from './port.ts'
import type { ProcessRef } from './processRef.ts'

/** SIGURG, which other programs do not notice: systemd sends it to all of a container's scope, so that its monitor alone ends the container. */
export const STOP_NOTICE = 23

/** How a container is asked to end, and how long that may take before it is killed; missing for ever. */
export interface StopNumbers {
  readonly signal: number
  readonly timeoutMs?: number
}

/** Numbers that descriptors have in the monitor. */
export interface MonitorFdNumbers {
  readonly attach: number
  readonly terminal?: number
  readonly stdin?: number
  readonly stdout?: number
  readonly stderr?: number
  /** Where init waits for the workload's time to come. */
  readonly control?: number
  /** What the container tells the service manager. */
  readonly notify?: number
  /** The container's mount namespace, where what it leaves running at its end is to be killed. */
  readonly mounts?: number
  /** The hold on a `--rm` container. */
  readonly work?: number
}

/** All that a monitor has to know about its container: plain data, as it is handed over as JSON. */
export interface MonitorConfig {
  readonly id: ContainerId
  readonly name: string
  readonly imageName: string
  readonly dataRoot: HostPath
  readonly runRoot: HostPath
  readonly init: ProcessRef
  /** RFC 3339; missing where the workload is held. */
  readonly startedAt?: string
  readonly ports: readonly PortMapping[]
  readonly fds: MonitorFdNumbers
  /** Its user namespace is its own. */
  readonly ownsIds: boolean
  readonly log: LogConfig
  /** No output is read before a client is attached. */
  readonly awaitClient: boolean
  readonly autoRemove: boolean
  readonly timeoutMs?: number
  /** What it does where it is told to end itself. */
  readonly stop: StopNumbers
  readonly restart: RestartPolicy
  /** Starts that the policy has made so far. */
  readonly restartCount: number
  /** Milliseconds that the last restart was held back for; 0 for none. */
  readonly backOffMs: number
  readonly health?: HealthSchedule
  /** The directory of the container's control group. */
  readonly cgroup?: string
  /** The service manager's socket. */
  readonly notifySocket?: string
  /** The command line that calls bryo on this store, up to where a command follows, and its environment. */
  readonly bryo: readonly string[]
  readonly env: readonly string[]
}

export interface RestartPolicy {
  readonly name: 'no' | 'on-failure' | 'always' | 'unless-stopped'
  /** With `on-failure`: at most so many restarts; 0 for any number. */
  readonly maxRetries: number
}

/** When the monitor has to run a health check. */
export interface HealthSchedule {
  readonly intervalMs: number
  /** Until a check has told that the container has started; missing where none is needed. */
  readonly startupIntervalMs?: number
}
