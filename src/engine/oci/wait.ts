import { closeSync } from 'node:fs'
import { BLOCKING_CHUNK_BYTES, openOutlet, openSource } from '../../monitor/outlet.ts'
import { createReactor } from '../../monitor/reactor.ts'
import { openStdio } from '../../monitor/stdio.ts'
import { catchSignals, forwardedSignals, supervise } from '../../runtime/supervise.ts'
import { ownFd, pollReadable } from '../../syscall/fd.ts'
import { POLL } from '../../syscall/poll.ts'
import { exitCodeOfStatus, killIfAlive, pidfdOpen, waitForExit } from '../../syscall/process.ts'
import { setWindowSize } from '../../syscall/tty.ts'

/**
 * Waits for a child to end, passing signals on.
 * @param masterFd of its terminal, which is served meanwhile, and closed
 * @returns its exit code, 128 + n for signal n
 */
export async function waitForProgram(pid: number, masterFd: number | undefined): Promise<number> {
  if (masterFd === undefined) return exitCodeOfStatus(await supervise({ pid, signals: catchSignals() }))
  serveTerminal(pid, masterFd)
  closeSync(masterFd)
  return exitCodeOfStatus(waitForExit(pid))
}

/** The end of a piped input reaches a terminal as its end-of-file character. */
const END_OF_FILE = Uint8Array.of(4)

/** Copies between the caller's stdio and a terminal, until the child has ended and all that it said is written. */
function serveTerminal(pid: number, masterFd: number): void {
  const reactor = createReactor()
  const master = openOutlet(reactor, masterFd, { chunkBytes: BLOCKING_CHUNK_BYTES })
  using stdio = openStdio(
    reactor,
    { interactive: true, terminal: true, detachKeys: new Uint8Array(), signals: forwardedSignals() },
    {
      onInput: (data) => master.write(data),
      onInputEnd: () => master.write(END_OF_FILE),
      onResize: (size) => setWindowSize(masterFd, size),
      onSignal: (signal) => killIfAlive(pid, signal),
      onDetach: () => {},
    },
  )
  stdio.acceptInput(true)
  using child = ownFd(pidfdOpen(pid))
  const finish = () => stdio.stdout.whenIdle(() => reactor.stop())
  let ended = false
  // Others may keep the terminal open after the child.
  const finishWhereSilent = () => {
    if (ended && !pollReadable(masterFd, 0)) finish()
  }
  openSource(reactor, masterFd, {
    onData: (data) => {
      stdio.stdout.write(data)
      finishWhereSilent()
    },
    onEnd: finish,
  })
  const watcher = reactor.watch(child.fd, POLL.in, () => {
    watcher.remove()
    ended = true
    finishWhereSilent()
  })
  reactor.run()
}
