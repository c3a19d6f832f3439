/** A compiled filter, ready for the kernel. */
export interface SeccompFilter {
  /** `struct sock_filter`s, 8 bytes each. */
  readonly program: Uint8Array
  /** Bits of SECCOMP_FILTER_FLAG. */
  readonly flags: number
}
