/** The numbers are the same on all architectures that bryo runs on. @see signal(7) */
export const SIGKILL = 9
export const SIGTERM = 15
