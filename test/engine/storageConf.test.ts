import { describe, expect, it } from 'vitest'
import { parseStorageConf } from '../../src/engine/storageConf.ts'

const values = { UID: '2000', USER: 'ana', HOME: '/home/ana' }
const parse = (text: string) => parseStorageConf('/etc/bryo/bryo.conf', text, values)

describe('parseStorageConf()', () => {
  it('reads its section and leaves the others alone', () => {
    const text = `# comment
[registry docker.io]
mirror[] = one
[storage]
graphroot = "/var/tmp/bryo-$UID"
additionalimagestores = /srv/a, $HOME/b
additionalimagestores[] = /srv/$USER
[aliases]
x = y
`
    expect(parse(text)).toEqual({
      graphroot: '/var/tmp/bryo-2000',
      additionalImageStores: ['/srv/a', '/home/ana/b', '/srv/ana'],
    })
    expect(parse('')).toEqual({ graphroot: undefined, additionalImageStores: [] })
  })

  it('tells stores for several users', () => {
    expect(parse('[storage]\nforce_mask = shared').shared).toBe(true)
    expect(parse('[storage]\nforce_mask = private').shared).toBe(false)
    expect(() => parse('[storage]\nforce_mask = 0755')).toThrow('expected shared or private')
  })

  it('refuses what it does not know, and relative paths', () => {
    expect(() => parse('[storage]\ndriver = overlay')).toThrow('expected graphroot or additionalimagestores')
    expect(() => parse('[storage]\ngraphroot = here')).toThrow('"here" is no absolute path')
  })
})
