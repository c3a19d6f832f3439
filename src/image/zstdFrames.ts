import { BryoError } from '../base/errors.ts'

/** Follows the structure of zstd data, because decoders differ in what they do at the end of a frame. */
export interface ZstdFrames {
  /**
   * The length of the first part of `data` that lies within one frame; to be called again with the rest.
   * @throws BryoError INVALID_ARCHIVE for what is no frame
   */
  next(data: Uint8Array): number
  /** Whether the data so far ends with a whole frame. */
  isComplete(): boolean
}

const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const DICTIONARY_ID_SIZE = [0, 1, 2, 4] as const
const CONTENT_SIZE_SIZE = [0, 2, 4, 8] as const
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3

/** What the bytes that are collected next mean. */
type Step = 'magic' | 'skippable size' | 'descriptor' | 'block'
const STEP_SIZE = { magic: 4, 'skippable size': 4, descriptor: 1, block: 3 } as const

/** @see RFC 8878, section 3.1 */
export function trackZstdFrames(): ZstdFrames {
  const field = Buffer.alloc(4)
  let step: Step = 'magic'
  let collected = 0
  /** Bytes to pass over before the next field. */
  let skip = 0
  let hasChecksum = false

  /** Reads the field that is complete now, and says what follows it. */
  const interpret = (): void => {
    const value = field.readUInt32LE(0)
    switch (step) {
      case 'magic':
        if ((value & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) step = 'skippable size'
        else if (value === MAGIC) step = 'descriptor'
        else throw invalidZstd('there is something else after a frame')
        return
      case 'skippable size':
        skip = value
        step = 'magic'
        return
      case 'descriptor':
        skip = restOfFrameHeader(value)
        hasChecksum = (value & 0b100) !== 0
        step = 'block'
        return
      case 'block': {
        const type = (value >> 1) & 3
        if (type === RESERVED_BLOCK) throw invalidZstd('a block has an unknown type')
        skip = type === RLE_BLOCK ? 1 : value >> 3
        const isLast = (value & 1) === 1
        if (!isLast) return
        if (hasChecksum) skip += 4
        step = 'magic'
      }
    }
  }
  const isComplete = () => step === 'magic' && collected === 0 && skip === 0

  const next = (data: Uint8Array) => {
    let index = 0
    while (index < data.byteLength) {
      const passed = Math.min(skip, data.byteLength - index)
      skip -= passed
      index += passed
      if (isComplete() && passed > 0) break
      if (skip > 0 || index === data.byteLength) break
      field[collected++] = data[index++] ?? 0
      if (collected < STEP_SIZE[step]) continue
      interpret()
      collected = 0
      field.fill(0)
      if (isComplete()) break
    }
    return index
  }
  return { next, isComplete }
}

/** Bytes between the descriptor and the first block. */
function restOfFrameHeader(descriptor: number): number {
  const contentSizeFlag = descriptor >> 6
  const singleSegment = (descriptor & 0b100000) !== 0
  const contentSize = contentSizeFlag === 0 && singleSegment ? 1 : (CONTENT_SIZE_SIZE[contentSizeFlag] ?? 0)
  return (singleSegment ? 0 : 1) + (DICTIONARY_ID_SIZE[descriptor & 3] ?? 0) + contentSize
}

function invalidZstd(found: string): BryoError {
  return new BryoError('INVALID_ARCHIVE', `cannot decompress zstd data: ${found}`)
}
