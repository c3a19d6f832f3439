import { BryoError } from '../../base/errors.ts'
import type { ImageConfig } from '../../base/image.ts'
import type { UserEntry, UserRequest } from '../../runtime/plan.ts'
import { findAccount } from '../../userns/identity.ts'
import type { IdMapPlan } from '../../userns/plan.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'
import { normalise } from './volumes.ts'

/** Who runs the workload: what the options say, else the caller where the maps keep it, else the image. @throws BryoError USAGE */
export function planUser(
  engine: Engine,
  request: ContainerRequest,
  image: ImageConfig | undefined,
  ids: Pick<IdMapPlan, 'user'>,
): UserRequest {
  const caller = ids.user && `${ids.user.uid}:${ids.user.gid}`
  const text = request.user ?? caller ?? image?.user ?? ''
  const keepGroups = request.groupAdd.includes('keep-groups')
  if (keepGroups && engine.facts.uid === 0) {
    throw new BryoError(
      'USAGE',
      'cannot keep the groups of root in a container: they have rights on this host, expected an unprivileged user',
      { hint: 'leave out --group-add keep-groups' },
    )
  }
  if (keepGroups && request.groupAdd.length > 1) {
    throw new BryoError(
      'USAGE',
      "the '--group-add keep-groups' option is not allowed with any other --group-add options",
    )
  }
  const { passwdEntry, groupEntry, hostUsers } = request
  const own =
    ids.user && request.passwd
      ? {
          name: engine.identity().userName,
          ...ids.user,
          comment: 'container user',
          home: request.workdir ?? '/',
          shell: '/bin/sh',
        }
      : undefined
  return {
    text,
    groups: keepGroups ? [] : request.groupAdd,
    keepGroups,
    addEntries: request.passwd,
    passwdEntry: own,
    ...((passwdEntry ?? groupEntry) !== undefined && {
      templates: {
        ...(passwdEntry !== undefined && { passwd: passwdEntry }),
        ...(groupEntry !== undefined && { group: groupEntry }),
      },
    }),
    ...(hostUsers && { hostUsers: hostUsers.map((name) => hostUser(engine, request, name)) }),
  }
}

/** `--hostuser`. The home is the host's where that is mounted. @throws BryoError NOT_FOUND */
function hostUser({ facts }: Engine, { mounts, workdir }: ContainerRequest, text: string): UserEntry {
  const account = findAccount(text, facts.env.PATH)
  if (!account) throw new BryoError('NOT_FOUND', `cannot add host user "${text}": this host has no such user`)
  const isMounted = mounts.some(({ target }) => `${account.home}/`.startsWith(`${normalise(target)}/`))
  return { ...account, home: isMounted ? account.home : (workdir ?? '/'), shell: '/bin/sh' }
}
