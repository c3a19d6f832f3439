import { choice, count, list, many, text, toggle, triState } from '../flags/kinds.ts'
import { refused } from '../flags/refused.ts'
import { parseKeyValue } from '../parse/keyValue.ts'
import { CONTENT_TRUST } from './refused.ts'
import { CREDS, RETRY_FLAGS } from './transfer.ts'

const FILES = { kind: 'files' } as const

/** What every command that talks to a registry takes. */
export const REGISTRY_FLAGS = {
  authfile: text({ help: 'Registry logins to use', completion: FILES }),
  'cert-dir': text({ help: 'Certificates to use for the registry', completion: { kind: 'directories' } }),
  'tls-verify': triState({ help: 'Insist on HTTPS and a valid certificate' }),
}

/** {@link REGISTRY_FLAGS} with a login and tries. */
export const TRANSFER_FLAGS = { ...REGISTRY_FLAGS, ...CREDS, ...RETRY_FLAGS }

export const LOGIN_FLAGS = {
  ...REGISTRY_FLAGS,
  'get-login': toggle({ help: 'Print who is logged in, and do nothing else' }),
  password: text({ short: 'p', help: 'Password; other users of the host may see it' }),
  'password-stdin': toggle({ help: 'Read the password from standard input' }),
  username: text({ short: 'u', help: 'User name' }),
  verbose: toggle({ short: 'v', help: 'Say where the login is kept' }),
  verify: toggle({ help: 'Ask the registry whether it takes the saved login, and do nothing else' }),
}

export const LOGOUT_FLAGS = {
  all: toggle({ short: 'a', help: 'Forget every login' }),
  authfile: REGISTRY_FLAGS.authfile,
}

const UNSIGNED = 'images are pushed without signatures'

const SIGNING_FLAGS = {
  'remove-signatures': refused(UNSIGNED, { isSwitch: true, harmless: ['true', 'false'] }),
  'sign-by': refused(UNSIGNED),
  'sign-by-sigstore': refused(UNSIGNED),
  'sign-by-sigstore-private-key': refused(UNSIGNED),
  'sign-passphrase-file': refused(UNSIGNED),
}

export const PUSH_FLAGS = {
  ...TRANSFER_FLAGS,
  ...SIGNING_FLAGS,
  compress: refused('layers are compressed as they are; see --compression-format', { isSwitch: true }),
  'disable-content-trust': CONTENT_TRUST,
  all: toggle({ help: 'Of a manifest list, push the images that it names too' }),
  'compression-format': choice(['gzip', 'zstd'], { help: 'Compress layers that are not compressed so' }),
  'compression-level': count({ help: 'How hard to compress' }),
  digestfile: text({ help: 'Write the digest to this file', completion: FILES }),
  format: choice(['docker', 'oci', 'v2s2'], { short: 'f', help: 'Write the manifest in this format' }),
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
}

export const SEARCH_FLAGS = {
  ...REGISTRY_FLAGS,
  ...CREDS,
  compatible: toggle({ help: "Has no effect: the columns are Podman's anyway" }),
  filter: list({ short: 'f', help: 'Show only what fits: stars=, is-official=, is-automated=' }),
  format: text({ help: 'Print as json, or with a Go template' }),
  limit: count({ help: 'Show at most so many', defaultText: '25' }),
  'list-tags': toggle({ help: 'List the tags of a repository' }),
  'no-trunc': toggle({ help: 'Show whole descriptions' }),
}

const PLATFORM_FLAGS = {
  annotation: many({
    placeholder: 'KEY=VALUE',
    help: 'Set an annotation of the image in the list',
    parse: parseKeyValue,
  }),
  arch: text({ placeholder: 'ARCH', help: 'Say that the image is for this architecture' }),
  features: list({ help: 'Set features of the processor that the image needs' }),
  os: text({ placeholder: 'OS', help: 'Say that the image is for this operating system' }),
  'os-features': list({ help: 'Set features of the operating system that the image needs' }),
  'os-version': text({ help: 'Set the version of the operating system' }),
  variant: text({ placeholder: 'VARIANT', help: 'Say that the image is for this variant' }),
}

export const MANIFEST_CREATE_FLAGS = {
  ...TRANSFER_FLAGS,
  all: toggle({ help: 'Of an index, take every image' }),
  amend: toggle({ short: 'a', help: 'Add to a list that there is' }),
  annotation: many({
    placeholder: 'KEY=VALUE',
    help: 'Set an annotation of the list',
    parse: parseKeyValue,
  }),
}

export const MANIFEST_ADD_FLAGS = {
  ...TRANSFER_FLAGS,
  ...PLATFORM_FLAGS,
  all: toggle({ help: 'Of an index, take every image' }),
}

export const MANIFEST_ANNOTATE_FLAGS = PLATFORM_FLAGS

export const MANIFEST_INSPECT_FLAGS = TRANSFER_FLAGS

export const MANIFEST_PUSH_FLAGS = {
  ...TRANSFER_FLAGS,
  ...SIGNING_FLAGS,
  all: toggle({ initial: true, help: 'Push the images that the list names too' }),
  digestfile: text({ help: 'Write the digest to this file', completion: FILES }),
  format: choice(['docker', 'oci', 'v2s2'], { short: 'f', help: 'Write the list in this format' }),
  purge: toggle({ short: 'p', help: 'Remove the list afterwards' }),
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
  rm: toggle({ help: 'Remove the list afterwards' }),
}

export const IMAGE_COPY_FLAGS = {
  ...RETRY_FLAGS,
  all: toggle({ short: 'a', help: 'Of an index, copy every image' }),
  authfile: REGISTRY_FLAGS.authfile,
  'dest-cert-dir': text({
    help: 'Certificates to use for the destination',
    completion: { kind: 'directories' },
  }),
  'dest-creds': text({ placeholder: 'USERNAME:PASSWORD', help: 'Log in to the destination with this' }),
  'dest-tls-verify': triState({ help: 'Insist on HTTPS and a valid certificate of the destination' }),
  digestfile: text({ help: 'Write the digest to this file', completion: FILES }),
  platform: text({ help: 'Of an index, copy the image for OS/ARCH[/VARIANT]' }),
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
  'src-cert-dir': text({ help: 'Certificates to use for the source', completion: { kind: 'directories' } }),
  'src-creds': text({ placeholder: 'USERNAME:PASSWORD', help: 'Log in to the source with this' }),
  'src-tls-verify': triState({ help: 'Insist on HTTPS and a valid certificate of the source' }),
}
