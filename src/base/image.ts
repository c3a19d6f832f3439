import type { Digest } from './brand.ts'
import type { HealthCheckSettings } from './health.ts'

/** @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

/** An image of an index, for one platform; empty texts for what is not said. */
export interface IndexItem extends Descriptor {
  readonly os: string
  readonly architecture: string
  readonly variant: string
  readonly osVersion: string
  readonly osFeatures: readonly string[]
  readonly features: readonly string[]
  readonly annotations: Readonly<Record<string, string>>
}

/** The part of an image's configuration that running needs. @see https://github.com/opencontainers/image-spec/blob/main/config.md */
export interface ImageConfig {
  readonly architecture: string
  readonly os: string
  readonly variant?: string
  /** RFC 3339. */
  readonly created?: string
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly workingDir: string
  readonly user: string
  /** Paths inside the container. */
  readonly volumes: readonly string[]
  /** `80/tcp`. */
  readonly exposedPorts: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly stopSignal?: string
  readonly healthcheck?: HealthCheckSettings
  /** Uncompressed layer digests, lowest first. */
  readonly diffIds: readonly Digest[]
}
