import { HEALTH_ACTIONS } from '../../base/health.ts'
import { choice, count, text, toggle, value } from '../flags/kinds.ts'
import { parseDuration } from '../parse/duration.ts'

const duration = (help: string, defaultText?: string) =>
  value({
    help,
    parse: parseInterval,
    placeholder: 'duration',
    ...(defaultText !== undefined && { defaultText }),
  })

/** Milliseconds; `disable` is 0. */
function parseInterval(given: string): number {
  if (given === 'disable') return 0
  const milliseconds = parseDuration(given)
  if (milliseconds < 0) throw new Error('expected a duration that is not negative')
  return milliseconds
}

/** How it is found out whether the container works. */
export const HEALTH_FLAGS = {
  'health-cmd': text({
    help: "Command that tells the container's health by its exit code (a line for its shell, a JSON list, or none)",
  }),
  'health-interval': duration('Time between two checks; disable for none', '30s'),
  'health-log-destination': text({
    help: 'Where results are kept: local, the path of a directory, or events_logger',
    defaultText: '"local"',
  }),
  'health-max-log-count': count({ help: 'Results that are kept; 0 for all', defaultText: '5' }),
  'health-max-log-size': count({
    help: 'Bytes of the output that are kept of each check; 0 for all',
    defaultText: '4096',
  }),
  'health-on-failure': choice(HEALTH_ACTIONS, {
    help: 'What to do when it becomes unhealthy',
    defaultText: '"none"',
  }),
  'health-retries': count({ help: 'Failures in a row until it is unhealthy', defaultText: '3' }),
  'health-start-period': duration('Time after the start in which failures do not count', '0s'),
  'health-startup-cmd': text({ help: 'Command that is run instead until it has succeeded' }),
  'health-startup-interval': duration('Time between two start-up checks', '30s'),
  'health-startup-retries': count({ help: 'Failures until the start-up counts as failed; 0 for any number' }),
  'health-startup-success': count({ help: 'Successes that are needed' }),
  'health-startup-timeout': duration('Time that a start-up check may take', '30s'),
  'health-timeout': duration('Time that a check may take', '30s'),
  'no-healthcheck': toggle({ help: "Leave the image's health check out" }),
}
