import { readProc, readProcLink } from '../../../syscall/procFile.ts'
import { addTransfers, type Transfer } from './usage.ts'

/** What went through the interfaces of a container's network; undefined where it has the host's. */
export function networkTransfer(init: number): Transfer | undefined {
  const own = readProcLink(`/proc/${init}/ns/net`)
  if (own === undefined || own === readProcLink('/proc/self/ns/net')) return undefined
  const text = readProc(`/proc/${init}/net/dev`)
  return text === undefined ? undefined : parseNetworkDevices(text)
}

/** All interfaces but the loopback. @param text of /proc/net/dev, @see proc_pid_net(5) */
export function parseNetworkDevices(text: string): Transfer {
  const transfers = text.split('\n').flatMap((line) => {
    const [, name, numbers = ''] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? []
    if (name === undefined || name === 'lo') return []
    const fields = numbers.trim().split(/\s+/)
    return [{ input: Number(fields[0] ?? 0), output: Number(fields[8] ?? 0) }]
  })
  return addTransfers(transfers)
}
