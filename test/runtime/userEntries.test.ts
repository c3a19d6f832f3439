import { describe, expect, it } from 'vitest'
import { addedLines, newEntries } from '../../src/runtime/userEntries.ts'

const FILES = {
  passwd: [{ name: 'root', uid: 0, gid: 0, home: '/root' }],
  group: [{ name: 'root', gid: 0, members: [] }],
}
const REQUEST = { text: '', groups: [], keepGroups: false, addEntries: true, passwdEntry: undefined }
const ANA = { name: 'ana', uid: 1000, gid: 1000, comment: 'Ana B.', home: '/w', shell: '/bin/sh' }
const user = (uid: number, gid: number) => ({ uid, gid, additionalGids: [], home: '/' })

describe('addedLines()', () => {
  it('gives a user without a name one of its number', () => {
    expect(addedLines(user(77, 0), REQUEST, FILES)).toEqual({
      passwd: ['77:x:77:0:container user:/:/bin/sh\n'],
      group: [],
      home: '/',
    })
    expect(addedLines(user(77, 8), REQUEST, FILES)?.group).toEqual(['8:x:8:\n'])
    expect(addedLines(user(0, 0), REQUEST, FILES)).toBeUndefined()
  })

  it('fills in templates, and believes what they say of the home directory', () => {
    const templates = {
      passwd: '$USERNAME:x:$UID:$GID:$NAME:$HOME/x:/bin/$SHELL',
      group: 'g$GID:x:$GID:$USERLIST',
    }
    const request = { ...REQUEST, passwdEntry: ANA, templates }
    expect(addedLines(user(1000, 1000), request, FILES)).toEqual({
      passwd: ['ana:x:1000:1000:Ana B.:/w/x:/bin/$SHELL\n'],
      group: ['g1000:x:1000:ana\n'],
      home: '/w/x',
    })
    expect(addedLines(user(7, 7), request, FILES)?.group).toEqual(['g7:x:7:\n'])
  })

  it('adds users of the host, and none whom the image knows', () => {
    const hostUsers = [ANA, { ...ANA, name: 'root', uid: 5 }, { ...ANA, name: 'other', uid: 0 }]
    const request = { ...REQUEST, hostUsers }
    expect(newEntries(request, FILES)).toEqual([ANA])
    expect(addedLines(user(0, 0), request, FILES)).toMatchObject({
      passwd: ['ana:x:1000:1000:Ana B.:/w:/bin/sh\n'],
      group: [],
    })
    expect(addedLines(user(1000, 1000), request, FILES)?.passwd).toHaveLength(1)
    expect(addedLines(user(77, 77), request, FILES)?.passwd).toHaveLength(2)
  })
})
