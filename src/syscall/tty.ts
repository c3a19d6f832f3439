import { check } from './error.ts'
import { O } from './file.ts'
import { bind } from './native.ts'

const c = {
  ioctl: bind('int ioctl(int fd, size_t request, void *argument)'),
  ioctlNumber: bind('int ioctl(int fd, size_t request, int argument)'),
  tcgetattr: bind('int tcgetattr(int fd, void *termios)'),
  tcsetattr: bind('int tcsetattr(int fd, int when, const void *termios)'),
  cfmakeraw: bind('void cfmakeraw(void *termios)'),
  isatty: bind('int isatty(int fd)'),
}

const TIOCSCTTY = 0x540e
const TIOCGWINSZ = 0x5413
const TIOCSWINSZ = 0x5414
const TIOCSPTLCK = 0x40045431
const TIOCGPTPEER = 0x5441
const TCSADRAIN = 1
const SIZEOF_TERMIOS = 64

export interface WindowSize {
  readonly rows: number
  readonly columns: number
}

/** A terminal's settings as the C library keeps them, to be put back as they were. */
export type TerminalSettings = Buffer

/** Whether the fd is a terminal. */
export function isTerminal(fd: number): boolean {
  return Number(c.isatty(fd)) === 1
}

/** Completes a pty from its master, an opened ptmx; the other end is close-on-exec and no controlling terminal. */
export function openPty(master: number): { readonly master: number; readonly slave: number } {
  const unlock = Buffer.alloc(4)
  check('ioctl', c.ioctl(master, TIOCSPTLCK, unlock), { request: 'TIOCSPTLCK' })
  const slave = check('ioctl', c.ioctlNumber(master, TIOCGPTPEER, O.rdwr | O.noctty | O.cloexec), {
    request: 'TIOCGPTPEER',
  })
  return { master, slave }
}

/** Makes the terminal the controlling one of this session; the caller is its leader. */
export function setControllingTerminal(fd: number): void {
  check('ioctl', c.ioctlNumber(fd, TIOCSCTTY, 0), { request: 'TIOCSCTTY' })
}

export function getWindowSize(fd: number): WindowSize {
  const buffer = Buffer.alloc(8)
  check('ioctl', c.ioctl(fd, TIOCGWINSZ, buffer), { request: 'TIOCGWINSZ' })
  return { rows: buffer.readUInt16LE(0), columns: buffer.readUInt16LE(2) }
}

export function setWindowSize(fd: number, size: WindowSize): void {
  const buffer = Buffer.alloc(8)
  buffer.writeUInt16LE(size.rows, 0)
  buffer.writeUInt16LE(size.columns, 2)
  check('ioctl', c.ioctl(fd, TIOCSWINSZ, buffer), { request: 'TIOCSWINSZ' })
}

/** Puts the terminal into raw mode; gives what to pass to {@link restoreTerminal}. @see termios(3) cfmakeraw */
export function makeRaw(fd: number): TerminalSettings {
  const before = Buffer.alloc(SIZEOF_TERMIOS)
  check('tcgetattr', c.tcgetattr(fd, before), { fd })
  const raw = Buffer.from(before)
  c.cfmakeraw(raw)
  check('tcsetattr', c.tcsetattr(fd, TCSADRAIN, raw), { fd })
  return before
}

export function restoreTerminal(fd: number, settings: TerminalSettings): void {
  check('tcsetattr', c.tcsetattr(fd, TCSADRAIN, settings), { fd })
}
