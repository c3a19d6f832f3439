import { describe, expect, it } from 'vitest'
import { decodeMessage, encodeCall } from '../../src/cgroup/message.ts'

const CALL = {
  serial: 2,
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
  member: 'StartTransientUnit',
} as const

describe('encodeCall()', () => {
  it('writes a call that can be read back', () => {
    const call = encodeCall({ ...CALL, args: [{ type: 's', value: 'it.scope' }] })
    expect(decodeMessage(call)).toEqual({
      kind: 'other',
      replySerial: undefined,
      errorName: undefined,
      text: 'it.scope',
      length: call.length,
    })
  })

  it('aligns the items of arrays, and counts nothing before the first', () => {
    const call = encodeCall({
      ...CALL,
      args: [{ type: 'properties', value: [['PIDs', { type: 'au', value: [7, 8] }]] }, { type: 'no-units' }],
    })
    const body = call.subarray(call.length - call.readUInt32LE(4))
    expect([...body.subarray(0, 8)]).toEqual([28, 0, 0, 0, 0, 0, 0, 0])
    expect(body.toString('latin1', 12, 16)).toBe('PIDs')
    expect(body.toString('latin1', 18, 20)).toBe('au')
    // The length of the array of numbers, at a multiple of 4, and the numbers.
    expect([24, 28, 32].map((at) => body.readUInt32LE(at))).toEqual([8, 7, 8])
  })

  it('puts numbers of eight bytes at a multiple of that, low bytes first', () => {
    const call = encodeCall({
      ...CALL,
      args: [
        {
          type: 'properties',
          value: [
            ['KillSignal', { type: 'i', value: 23 }],
            ['TimeoutStopUSec', { type: 't', value: 0x0102_0304_0506n }],
          ],
        },
      ],
    })
    const body = call.subarray(call.length - call.readUInt32LE(4))
    expect(body.toString('latin1', 23, 26)).toBe('\x01i\0')
    expect(body.readInt32LE(28)).toBe(23)
    expect(body.toString('latin1', 36, 51)).toBe('TimeoutStopUSec')
    expect(body.toString('latin1', 52, 55)).toBe('\x01t\0')
    expect(body.readBigUInt64LE(56)).toBe(0x0102_0304_0506n)
    expect(body.length).toBe(64)
  })
})

describe('decodeMessage()', () => {
  it('waits for the rest of a message', () => {
    const call = encodeCall({ ...CALL, args: [] })
    for (let length = 0; length < call.length; length++)
      expect(decodeMessage(call.subarray(0, length))).toBeUndefined()
    expect(decodeMessage(call)?.length).toBe(call.length)
  })

  it('refuses what is not little-endian', () => {
    expect(() => decodeMessage(Buffer.alloc(16, 'B'))).toThrow('little-endian')
  })
})
