export type PortProtocol = 'tcp' | 'udp'

/** One published port. */
export interface PortMapping {
  /** An address of the host; empty for all of its IPv4 addresses. */
  readonly hostIp: string
  /** 0 until a free one is chosen. */
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: PortProtocol
}
