import { describe, expect, it } from 'vitest'
import type { ContainerId } from '../../src/base/brand.ts'
import { isRootOf } from '../../src/storage/container/leftProcesses.ts'

const ID = 'a'.repeat(64) as ContainerId
const OTHER = 'b'.repeat(64)
const overlay = (point: string, id: string) =>
  `111 57 0:52 / ${point} rw,relatime - overlay overlay rw,lowerdir=x/diff,upperdir=/store/containers/${id}/upper,workdir=w`
const file = (point: string, path: string) => `102 111 254:0 ${path} ${point} rw,nosuid - ext4 /dev/vda rw`

describe('isRootOf()', () => {
  it.each([
    ['its upper directory is the root', overlay('/', ID), true],
    ["another container's is", overlay('/', OTHER), false],
    ['it is mounted elsewhere', overlay('/mnt', ID), false],
    ['its files are mounted', file('/etc/resolv.conf', `/run/containers/${ID}/resolv.conf`), true],
    ["another container's are", file('/etc/hosts', `/run/containers/${OTHER}/hosts`), false],
    ['a file of it is mounted elsewhere', file('/etc/motd', `/run/containers/${ID}/hosts`), false],
    ['there is nothing', '', false],
  ])('where %s', (_what, line, expected) => {
    expect(isRootOf(`${file('/dev/null', '/null')}\n${line}\n`, ID)).toBe(expected)
  })
})
