import { createFdTarWriter } from '../../../image/tar/write.ts'
import type { StackLevel } from '../../../storage/tree/stack.ts'
import { walkTree } from '../../../storage/tree/walk.ts'
import { createTreeWriter } from '../../stage/writeTree.ts'

/** Writes what shows of trees that lie on each other as an archive. */
export function writeTreeArchive(levels: readonly StackLevel[], outFd: number): void {
  const writer = createTreeWriter(createFdTarWriter(outFd))
  for (const entry of walkTree(levels)) writer.add(entry)
  writer.finish()
}
