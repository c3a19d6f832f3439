import type { RegistrySettings } from '../engine/image/registryOptions.ts'

/** The flags of REGISTRY_FLAGS and TRANSFER_FLAGS as the engine takes them. */
export function registrySettings(flags: {
  readonly authfile: string | undefined
  readonly certDir: string | undefined
  readonly tlsVerify: boolean | undefined
  readonly creds?: string | undefined
  readonly retry?: number | undefined
  readonly retryDelay?: number | undefined
}): RegistrySettings {
  const { authfile, certDir, tlsVerify, creds, retry, retryDelay } = flags
  return { authfile, certDir, tlsVerify, creds, retry, retryDelayMs: retryDelay }
}
