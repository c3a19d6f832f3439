import type { Flag } from './flag.ts'

/** Thrown where a refused option is given; its message says why. */
export class Refusal extends Error {}

interface RefusedOptions {
  /** It is a switch. */
  readonly isSwitch?: boolean
  /** Its letter. */
  readonly short?: string
  /** Values that change nothing, and may be given. */
  readonly harmless?: readonly string[]
}

/**
 * An option of Podman's or Docker's that cannot work here: command lines that have it fail with the reason, rather than with
 * an unknown option.
 * @param reason ends `cannot use --name: ...`
 */
export function refused(
  reason: string,
  { isSwitch = false, short, harmless = isSwitch ? ['false'] : [] }: RefusedOptions = {},
): Flag<undefined> {
  return {
    placeholder: isSwitch ? undefined : 'string',
    initial: undefined,
    short,
    help: `Cannot be used: ${reason}`,
    defaultText: undefined,
    completion: { kind: 'none' },
    hidden: true,
    accept: (text) => {
      if (!harmless.includes(text)) throw new Refusal(reason)
      return undefined
    },
  }
}
