import { BryoError } from '../../base/errors.ts'
import { appendEvent } from '../../storage/events.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { putSecret, removeSecret, type SecretInfo } from '../../storage/secret/secrets.ts'
import type { Engine } from '../engine.ts'

export interface CreateSecretRequest {
  readonly name: string
  readonly data: Uint8Array
  readonly labels: Readonly<Record<string, string>>
  readonly driver: string
  readonly replace: boolean
}

/** Gives the id. @throws BryoError USAGE, UNSUPPORTED, NAME_IN_USE, NO_SPACE */
export function createSecret({ store }: Engine, request: CreateSecretRequest): string {
  const { driver, ...rest } = request
  // Nothing is looked up or run by a driver's name.
  if (driver !== 'file') {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot create secret: no secret driver "${driver.slice(0, 100)}", expected file`,
    )
  }
  const { id, name } = putSecret(store, { ...rest, created: new Date().toISOString() })
  appendEvent(store, { type: 'secret', action: 'create', id, name })
  return id
}

/** Gives the id. @throws BryoError NOT_FOUND, AMBIGUOUS */
export function removeSecretByName({ store }: Engine, name: string): string {
  const id = removeSecret(store, name)
  appendEvent(store, { type: 'secret', action: 'remove', id, name })
  return id
}

/** The document of `secret inspect`, in Podman's shape. @param data where it is to be shown */
export function secretDocument(
  { store }: Engine,
  { id, name, created, updated, labels }: SecretInfo,
  data?: Buffer,
): Readonly<Record<string, unknown>> {
  return {
    ID: id,
    CreatedAt: created,
    UpdatedAt: updated,
    Spec: {
      Name: name,
      Driver: { Name: 'file', Options: { path: hostPath(store.dataRoot, 'secrets') } },
      Labels: labels,
    },
    ...(data && { SecretData: data.toString('utf8') }),
  }
}
