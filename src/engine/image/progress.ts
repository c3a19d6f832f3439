import type { Digest } from '../../base/brand.ts'

/** What happens while an image comes in: facts for whoever shows them. */
export type PullProgress =
  | { readonly kind: 'started'; readonly reference: string }
  /** The layers are known, lowest first; sizes in bytes as they come. */
  | {
      readonly kind: 'layers'
      readonly layers: readonly { readonly digest: Digest; readonly size: number }[]
    }
  | {
      readonly kind: 'layer-progress'
      readonly digest: Digest
      readonly bytes: number
      readonly total: number
    }
  /** `reused`: the store had it already. */
  | { readonly kind: 'layer-done'; readonly digest: Digest; readonly reused: boolean }

export type OnProgress = (event: PullProgress) => void
