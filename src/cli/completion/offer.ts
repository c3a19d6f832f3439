export interface Candidate {
  readonly text: string
  readonly description?: string
}

/** What the shell does beside offering the candidates; numbers of cobra's protocol. */
export const DIRECTIVES = { Default: 0, NoSpace: 2, NoFileComp: 4, FilterDirs: 16 } as const
export type Directive = keyof typeof DIRECTIVES

export interface Offer {
  readonly candidates: readonly Candidate[]
  readonly directive: Directive
}
