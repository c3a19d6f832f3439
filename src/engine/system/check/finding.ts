/** Something in the store that is not as it should be. */
export interface Finding {
  /** `container web`, `image localhost/x:latest`, `layer 0123456789ab`. */
  readonly subject: string
  /** What is wrong, as a clause: `its layer 0123456789ab is missing`. */
  readonly problem: string
  /** What mending does, as a clause: `removed`; absent where nothing can be done. */
  readonly remedy?: string | undefined
  /** Something is lost by it that cannot be fetched again: only with force. */
  readonly loses?: boolean
  readonly mend?: (() => void | Promise<void>) | undefined
}

/** What can be looked at without reading all of the store, and what belongs to no more time than this. */
export interface CheckScope {
  /** Blobs' content is not read. */
  readonly quick: boolean
  /** What nobody uses and was made after this (milliseconds since 1970) is left alone. */
  readonly unusedBefore: number
}
