export type SelinuxSettings =
  | { readonly kind: 'disabled' }
  | {
      readonly kind: 'labelled'
      readonly nested: boolean
      /** Parts of the label that are asked for: user, role, type, level, filetype. */
      readonly parts: Readonly<Partial<Record<SelinuxPart, string>>>
    }

export type SelinuxPart = 'user' | 'role' | 'type' | 'level' | 'filetype'
