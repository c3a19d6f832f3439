import { count, text, value } from '../flags/kinds.ts'
import { parseDuration } from '../parse/duration.ts'

/** What is for one transfer from or to a registry. */
export const CREDS = {
  creds: text({ placeholder: 'USERNAME:PASSWORD', help: 'Log in with this, this time only' }),
}

export const RETRY_FLAGS = {
  retry: count({ help: 'How often a failure that may pass is tried again', defaultText: '3' }),
  'retry-delay': value({
    placeholder: 'duration',
    help: 'How long to wait before the second try',
    parse: parseDuration,
  }),
}

export const SIGNATURE_POLICY = text({
  help: 'Trust images by this policy.json alone',
  completion: { kind: 'files' },
})
