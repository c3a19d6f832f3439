import { SAVE_FORMATS } from '../../image/archive/savePlan.ts'
import { choiceOr, text, toggle } from '../flags/kinds.ts'

export const SAVE_FLAGS = {
  compress: toggle({ help: 'Compress layers that are plain; for oci-dir and docker-dir' }),
  format: choiceOr('docker-archive', SAVE_FORMATS, { help: 'Form of the archive' }),
  'multi-image-archive': toggle({ short: 'm', help: 'Every argument is an image of its own' }),
  output: text({
    short: 'o',
    help: 'Write to this file or directory instead of standard output',
    completion: { kind: 'files' },
  }),
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
  uncompressed: toggle({ help: 'Has no effect: layers stay as they came' }),
}
