import { existsSync } from 'node:fs'
import { hostMaskedPaths, resolveSecurity } from '../../runtime/security.ts'
import type { ContainerRequest } from '../container/request.ts'
import type { SecurityFacts } from './facts.ts'
import type { Layer } from './layer.ts'
import { devicesLayer, sharedMemoryLayer } from './layers/devices.ts'
import { identityLayer, namespacesLayer } from './layers/identity.ts'
import { kernelPaths, maskedPathsLayer, readOnlyPathsLayer, sysLayer } from './layers/kernelTrees.ts'
import {
  capabilitiesLayer,
  nestedUsernsLayer,
  noNewPrivilegesLayer,
  seccompLayer,
} from './layers/privileges.ts'
import {
  descriptorsLayer,
  environmentLayer,
  networkLayer,
  processesLayer,
  securityModuleLayer,
  terminalLayer,
} from './layers/surroundings.ts'

/** Every layer of the default posture, found in the facts and compared with what was asked for. */
export function reportLayers(facts: SecurityFacts, request: ContainerRequest): readonly Layer[] {
  const settings = resolveSecurity({ options: request.securityOpt, privileged: request.privileged })
  // The container has the same kernel, which shows it the same files.
  const paths = kernelPaths(hostMaskedPaths(), existsSync)
  return [
    identityLayer(facts),
    namespacesLayer(facts, request),
    noNewPrivilegesLayer(facts, settings),
    capabilitiesLayer(facts, request),
    seccompLayer(facts, settings),
    nestedUsernsLayer(facts, settings, request),
    maskedPathsLayer(facts, settings, paths),
    readOnlyPathsLayer(facts, settings, paths),
    sysLayer(facts),
    devicesLayer(facts, request),
    sharedMemoryLayer(facts, request),
    descriptorsLayer(facts, request),
    environmentLayer(facts, request),
    networkLayer(facts, request),
    processesLayer(facts, request),
    terminalLayer(facts),
    securityModuleLayer(facts, settings),
  ]
}
