import { createFdTarWriter } from '../../../image/tar/write.ts'
import { nodeOf } from '../../../storage/tree/node.ts'
import { entryOf, walkTree } from '../../../storage/tree/walk.ts'
import { O, openat2 } from '../../../syscall/file.ts'
import { createTreeWriter } from '../../stage/writeTree.ts'

const ROOT = Buffer.alloc(0)
const DOT = Buffer.from('.')

/**
 * Writes a directory as an archive, itself included: who unpacks it gets its owner and mode too. In a child that may read all of
 * it, as the caller may not.
 * @param directoryFd O_PATH
 */
export function archiveDirectory(directoryFd: number, outFd: number): void {
  const writer = createTreeWriter(createFdTarWriter(outFd), {
    nameOf: (path) => (path.length === 0 ? DOT : path),
  })
  using root = nodeOf(openat2({ dirfd: directoryFd, path: '.', flags: O.path | O.directory }))
  writer.add(entryOf(root, ROOT))
  const fd = openat2({ dirfd: directoryFd, path: '.', flags: O.rdonly | O.directory })
  for (const entry of walkTree([{ fd, style: 'none' }])) writer.add(entry)
  writer.finish()
}
