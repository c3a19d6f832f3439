import { BryoError } from '../../base/errors.ts'
import type { SecretFile } from '../../base/secret.ts'
import { findSecret, requireSecret } from '../../storage/secret/secrets.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest, SecretUse } from './request.ts'

export interface PlannedSecrets {
  readonly files: readonly SecretFile[]
  /** `NAME=value`. */
  readonly env: readonly string[]
}

const DEFAULT_MODE = 0o444

/**
 * What a container's secrets say now: read at each start, and kept nowhere but in the container's memory.
 * @throws BryoError NOT_FOUND, USAGE for one that cannot be in an environment
 */
export function planSecrets({ store }: Engine, request: ContainerRequest): PlannedSecrets {
  const found = usesOf(request).map((use) => ({ use, data: requireSecret(store, use.name).data }))
  return {
    files: found.flatMap(({ use, data }) => (use.type === 'mount' ? [fileOf(use, data)] : [])),
    env: found.flatMap(({ use, data }) => (use.type === 'env' ? [entryOf(use, data)] : [])),
  }
}

/** Secrets in the environment, for a process that is added: one that is gone meanwhile is left out. */
export function secretEnvironment({ store }: Engine, request: ContainerRequest): readonly string[] {
  return usesOf(request).flatMap((use) => {
    const secret = use.type === 'env' ? findSecret(store, use.name) : undefined
    return secret ? [entryOf(use, secret.data)] : []
  })
}

/** @throws BryoError NOT_FOUND, before anything is made */
export function checkSecrets({ store }: Engine, request: ContainerRequest): void {
  for (const { name } of usesOf(request)) requireSecret(store, name)
}

/** Containers of earlier versions have none. */
function usesOf({ secrets }: { readonly secrets?: readonly SecretUse[] | undefined }): readonly SecretUse[] {
  return secrets ?? []
}

function fileOf({ target, mode, uid, gid }: SecretUse, data: Buffer): SecretFile {
  return {
    target,
    base64: data.toString('base64'),
    mode: mode ?? DEFAULT_MODE,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  }
}

function entryOf({ name, target }: SecretUse, data: Buffer): string {
  if (!data.includes(0)) return `${target}=${data.toString('utf8')}`
  throw new BryoError('USAGE', `cannot put secret "${name}" into the environment: it contains NUL`, {
    hint: `mount it as a file: --secret ${name}`,
  })
}
