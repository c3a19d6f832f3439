import { describe, expect, it } from 'vitest'
import { parseNamespaceMode } from '../../src/cli/parse/namespaceMode.ts'

describe('parseNamespaceMode()', () => {
  it.each(['private', 'host', 'container:web', 'container:a:b', 'ns:/proc/1/ns/net'])('takes %s', (text) => {
    expect(parseNamespaceMode(text, ['private', 'host'])).toBe(text)
  })

  it.each(['', 'public', 'container', 'container:', 'ns:', 'ns:relative', 'Private'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseNamespaceMode(text, ['private', 'host'])).toThrow(
        'expected private, host, container:NAME or ns: and an absolute path',
      )
    },
  )
})
