import type { RestartPolicy } from '../../base/monitorConfig.ts'

const POLICY = /^(no|on-failure|always|unless-stopped)(?::(\d{1,9}))?$/

/** `on-failure:3`, `always`; `never` and empty mean `no`. */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [, name, retries] = POLICY.exec(text === '' || text === 'never' ? 'no' : text) ?? []
  if (retries !== undefined && name !== 'on-failure') {
    throw new Error(`a number of retries belongs to on-failure alone, found "${text}"`)
  }
  switch (name) {
    case 'no':
    case 'on-failure':
    case 'always':
    case 'unless-stopped':
      return { name, maxRetries: Number(retries ?? 0) }
    default:
      throw new Error(
        `"${text}" is no restart policy, expected no, on-failure[:max], always or unless-stopped`,
      )
  }
}
