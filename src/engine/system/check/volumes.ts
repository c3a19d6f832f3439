import { lstatSync, readdirSync } from 'node:fs'
import { isContainerName } from '../../../storage/container/names.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import { ensureDirectory } from '../../../storage/makeDirectory.ts'
import { adoptVolume, readVolume, volumeDirectory } from '../../../storage/volume/volumes.ts'
import type { Engine } from '../../engine.ts'
import { attempt } from './containers.ts'
import type { Finding } from './finding.ts'

/** Records and directories of all volumes. Their content is nobody's business here. */
export function checkVolumes({ store }: Engine): readonly Finding[] {
  return readdirSync(store.volumes)
    .filter(isContainerName)
    .flatMap((name): readonly Finding[] => {
      const subject = `volume ${name}`
      const volume = attempt(() => readVolume(store, name))
      if (volume === undefined || volume === 'unreadable') {
        return [
          {
            subject,
            problem: volume === undefined ? 'it has no record' : 'its record cannot be read',
            remedy: 'recorded anew, without labels and options',
            mend: () => adoptVolume(store, name, new Date().toISOString()),
          },
        ]
      }
      if (lstatSync(volume.path, { throwIfNoEntry: false })?.isDirectory()) return []
      const mend = () => ensureDirectory(hostPath(volumeDirectory(store, name), '_data'), 0o755)
      return [{ subject, problem: 'its directory is missing', remedy: 'made anew, empty', mend }]
    })
}
