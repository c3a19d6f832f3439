import { LOG_DRIVERS } from '../../base/logConfig.ts'
import { choice, list } from '../flags/kinds.ts'

/** Where a container's output is kept. */
export const LOGGING_FLAGS = {
  'log-driver': choice(LOG_DRIVERS, { help: 'Where the output is logged', defaultText: '"k8s-file"' }),
  'log-opt': list({ help: 'Set an option of the log driver: path, max-size, max-file, tag, labels or env' }),
}
