import { BryoError } from '../../base/errors.ts'
import { type Identity, readIdentity } from '../../userns/identity.ts'
import { type IdMapPlan, planIdMaps } from '../../userns/plan.ts'
import { readSubordinateIds, type SubordinateIds } from '../../userns/subids.ts'
import { checkCgroups } from './cgroups.ts'
import type { DoctorFacts, Finding } from './finding.ts'
import { checkIdMap, checkKernel } from './kernel.ts'
import { checkPrograms } from './programs.ts'
import { checkSession } from './session.ts'
import { checkStorage } from './storage.ts'
import { checkSubids } from './subids.ts'

/**
 * Examines this host: what containers need, in the order in which `run` meets it. Changes nothing; starts a few
 * short processes, two of them in user namespaces.
 */
export function runDoctor(facts: DoctorFacts): readonly Finding[] {
  const searchPath = facts.env.PATH
  const identity = readIdentity({ uid: facts.uid, gid: facts.gid, searchPath })
  const subids = readSubordinateIds({ uid: facts.uid, userName: identity.userName, searchPath })
  return [
    ...checkKernel(facts),
    ...checkSubids(facts, identity, subids),
    ...checkIdMap(facts, identity, tryPlan(identity, subids)),
    ...checkStorage(facts),
    ...checkPrograms(facts),
    ...checkCgroups(facts),
    ...checkSession(facts, identity),
  ]
}

function tryPlan(identity: Identity, subids: SubordinateIds): IdMapPlan | BryoError {
  try {
    return planIdMaps({ kind: 'default' }, identity, { subids })
  } catch (error) {
    if (error instanceof BryoError) return error
    throw error
  }
}
