import { describe, expect, it } from 'vitest'
import { parseSecretUse } from '../../src/cli/parse/secret.ts'

describe('parseSecretUse()', () => {
  it.each([
    ['key', { name: 'key', type: 'mount', target: 'key' }],
    ['key,target=a/b', { name: 'key', type: 'mount', target: 'a/b' }],
    ['source=key,dst=/etc/key', { name: 'key', type: 'mount', target: '/etc/key' }],
    [
      'id=key,mode=0400,uid=0,gid=33',
      { name: 'key', type: 'mount', target: 'key', mode: 0o400, uid: 0, gid: 33 },
    ],
    ['key,type=env', { name: 'key', type: 'env', target: 'key' }],
    ['key,type=env,target=KEY', { name: 'key', type: 'env', target: 'KEY' }],
  ])('reads %s', (text, use) => {
    expect(parseSecretUse(text)).toEqual(use)
  })

  it.each([
    ...[
      '',
      'type=mount',
      'key,type=file',
      'key,target=',
      'key,target=/',
      'key,target=a/../b',
      'key,target=./a',
    ],
    ...[
      'key,mode=rw',
      'key,mode=77777',
      'key,uid=-1',
      'key,uid=root',
      'key,x=1',
      'key,mode',
      'key,type=env,target=A=B',
    ],
    'key,type=env,uid=0',
  ])('refuses "%s"', (text) => {
    expect(() => parseSecretUse(text)).toThrow(/./)
  })
})
