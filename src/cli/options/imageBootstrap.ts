import { choiceOr, commaList, list, text, toggle } from '../flags/kinds.ts'

export const IMAGE_BOOTSTRAP_FLAGS = {
  change: list({ short: 'c', help: 'Set a part of the configuration: for example ENV A=b, CMD or LABEL' }),
  include: commaList({ help: 'Install these packages as well' }),
  keyring: text({ help: 'Keys that the packages are signed by', completion: { kind: 'files' } }),
  mirror: text({ help: "Fetch packages from this URL instead of the one of this host's apt" }),
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
  variant: choiceOr('minbase', ['essential', 'apt', 'minbase', 'buildd', 'important', 'standard'], {
    help: 'How much is installed',
  }),
}
