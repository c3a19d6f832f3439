import { closeSync } from 'node:fs'
import { BryoError } from '../base/errors.ts'
import { closeAllFdsBut, pipe, pollReadable, readFd, writeFd } from '../syscall/fd.ts'
import { setns } from '../syscall/namespace.ts'
import { forkChild, setDumpable } from '../syscall/process.ts'
import { type ForkPlan, joinedUser } from './plan.ts'
import { endProcess } from './stages.ts'

const READY_MS = 5000

/** A process that does nothing but be in the namespaces of a container; it ends with the scope. */
export interface NetworkHolder extends Disposable {
  readonly pid: number
}

/**
 * What serves a network finds its namespaces by a process. Where that cannot be init, which hides from those that share its pid namespace,
 * it is this one: they do not see it. undefined where it can.
 */
export function holdNetwork(plan: ForkPlan, networkFd: number | undefined): NetworkHolder | undefined {
  const user = joinedUser(plan)
  return user && networkFd !== undefined ? startHolder(user.fd, networkFd) : undefined
}

function startHolder(userFd: number, networkFd: number): NetworkHolder {
  const [readyRead, readyWrite] = pipe()
  const [endRead, endWrite] = pipe()
  const pid = forkChild(() => {
    closeAllFdsBut([userFd, networkFd, readyWrite, endRead])
    setns(userFd, ['user'])
    setns(networkFd, ['network'])
    // Entering another user namespace hides a process.
    setDumpable(true)
    writeFd(readyWrite, Buffer.of(1))
    readFd(endRead, Buffer.alloc(1))
    return 0
  })
  for (const fd of [readyWrite, endRead]) closeSync(fd)
  const end = () => {
    closeSync(endWrite)
    endProcess(pid)
  }
  const ready = pollReadable(readyRead, READY_MS) && readFd(readyRead, Buffer.alloc(1)) === 1
  closeSync(readyRead)
  if (!ready) {
    end()
    throw new BryoError(
      'RUNTIME',
      'cannot enter the network of the container: its forked process stays silent',
    )
  }
  return { pid, [Symbol.dispose]: end }
}
