import { describe, expect, it } from 'vitest'
import { checkLog, logOutlives, planLog } from '../../src/engine/container/logConfig.ts'
import type { ContainerRequest } from '../../src/engine/container/request.ts'
import { isContainerId } from '../../src/storage/container/record.ts'
import { hostPath } from '../../src/storage/hostPath.ts'
import { storeAt } from '../../src/storage/store.ts'
import { EMPTY_REQUEST } from '../support/request.ts'

const store = storeAt({ dataRoot: hostPath('/data'), runRoot: hostPath('/run') })
const id = 'abc123'.padEnd(64, '0')

function plan(changes: Partial<ContainerRequest>) {
  if (!isContainerId(id)) throw new Error('not an id')
  return planLog(store, { id, name: 'web', command: ['a', 'b'] }, { ...EMPTY_REQUEST, ...changes })
}

describe('planLog()', () => {
  it("puts the log into the container's directory, with one file before it", () => {
    expect(plan({})).toEqual({
      driver: 'k8s-file',
      path: `/data/containers/${id}/ctr.log`,
      maxFiles: 2,
      attributes: {},
      containerId: id,
      containerName: 'web',
      image: '',
    })
  })

  it('takes what the options say', () => {
    const logOptions = [
      'path=/x=y',
      'max-size=1000',
      'max-file=5',
      'tag={{.ID}}/{{ .Name }}',
      'labels=a,no',
      'env=E',
    ]
    const request = { logDriver: 'json-file', logOptions, labels: { a: '1', b: '2' }, env: ['E=v=w', 'F=x'] }
    expect(plan(request)).toMatchObject({
      ...{ driver: 'json-file', path: '/x=y', maxSize: 1000, maxFiles: 5, tag: 'abc123000000/web' },
      attributes: { a: '1', E: 'v=w' },
    })
  })

  it('has no limit by default, and with -1', () => {
    expect(plan({ logOptions: ['max-size=-1'] })).not.toHaveProperty('maxSize')
  })

  it('empties the only file of json-file', () => {
    expect(plan({ logDriver: 'json-file' }).maxFiles).toBe(1)
  })
})

describe('checkLog()', () => {
  const check = (changes: Partial<ContainerRequest>) => () => checkLog({ ...EMPTY_REQUEST, ...changes })

  it('refuses what cannot be', () => {
    expect(check({ logDriver: 'local' })).toThrow('invalid log driver "local", expected one of k8s-file')
    expect(check({ logDriver: 'passthrough', tty: true })).toThrow('passthrough with --tty')
    expect(check({ logOptions: ['tag={{.Nope}}'] })).toThrow('{{.Nope}} is none of .ID')
    expect(check({ logOptions: ['path=/nosuch/directory/log'] })).toThrow('there is no directory')
    expect(check({})).not.toThrow()
  })
})

describe('logOutlives()', () => {
  it.each([
    [{}, false],
    [{ logOptions: ['path=/x'] }, true],
    [{ logDriver: 'journald' }, true],
    [{ logDriver: 'none', logOptions: ['path=/x'] }, false],
  ])('%j: %s', (changes, expected) => {
    expect(logOutlives({ ...EMPTY_REQUEST, ...changes })).toBe(expected)
  })
})
