/**
 * `linux.resources` of a configuration, as far as control groups of version 2 have it. What is missing stays as it is; a limit below
 * zero is none.
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#control-groups
 */
export interface OciResources {
  readonly memory: OciMemory
  readonly cpu: OciCpu
  /** Processes. */
  readonly pidsLimit: number | undefined
  readonly io: OciIo
  readonly hugepages: readonly { readonly pageSize: string; readonly limit: number }[]
  readonly rdma: readonly OciRdma[]
  /** Files of the group, and what is written into them. */
  readonly unified: Readonly<Record<string, string>>
}

/** Bytes. */
export interface OciMemory {
  readonly limit: number | undefined
  readonly reservation: number | undefined
  /** Memory and swap together. */
  readonly swap: number | undefined
}

/** Times are microseconds. */
export interface OciCpu {
  /** 2 to 262144, relative. */
  readonly shares: number | undefined
  readonly quota: number | undefined
  readonly period: number | undefined
  readonly burst: number | undefined
  /** 1 for what runs only where nothing else wants to. */
  readonly idle: number | undefined
  /** `0-2,4` */
  readonly cpus: string | undefined
  readonly mems: string | undefined
}

export const IO_RATES = ['rbps', 'wbps', 'riops', 'wiops'] as const

export interface OciIo {
  /** 10 to 1000, relative. */
  readonly weight: number | undefined
  /** Devices are `8:0`. */
  readonly deviceWeights: readonly { readonly device: string; readonly weight: number }[]
  readonly rates: readonly {
    readonly device: string
    readonly kind: (typeof IO_RATES)[number]
    /** Bytes or operations a second. */
    readonly rate: number
  }[]
}

export interface OciRdma {
  readonly device: string
  readonly handles: number | undefined
  readonly objects: number | undefined
}
