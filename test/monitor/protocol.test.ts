import { describe, expect, it } from 'vitest'
import { type ExitNotice, jsonPacket, PACKET, parseExit } from '../../src/monitor/protocol.ts'

const sent = (notice: ExitNotice) => parseExit(jsonPacket(PACKET.exit, notice).subarray(1))

describe('parseExit()', () => {
  it.each<ExitNotice>([
    { exitCode: 137 },
    { exitCode: 127, failure: { message: 'cannot execute "x"' } },
    { exitCode: 125, failure: { message: 'no room', hint: 'make some' } },
  ])('reads what was sent: %j', (notice) => {
    expect(sent(notice)).toEqual(notice)
  })

  it.each(['', 'null', '[]', '{"exitCode":"1"}'])('refuses an end without an exit code: %j', (text) => {
    expect(() => parseExit(Buffer.from(text))).toThrow('without an exit code')
  })

  it('passes over a failure that is none', () => {
    expect(parseExit(Buffer.from('{"exitCode":1,"failure":"x"}'))).toEqual({ exitCode: 1 })
  })
})
