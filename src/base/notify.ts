/** Who tells the service manager that a container is ready, where bryo was started by one. @see sd_notify(3) */
export const NOTIFY_MODES = ['container', 'conmon', 'healthy', 'ignore'] as const
export type NotifyMode = (typeof NOTIFY_MODES)[number]
