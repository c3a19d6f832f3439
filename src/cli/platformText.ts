/** `--arch`, `--os` and `--variant` as one `--platform`; undefined where none was given. */
export function platformText(flags: {
  readonly platform: string | undefined
  readonly os: string | undefined
  readonly arch: string | undefined
  readonly variant: string | undefined
}): string | undefined {
  const { platform, os, arch, variant } = flags
  if (platform !== undefined || (os ?? arch ?? variant) === undefined) return platform
  const parts = [os ?? 'linux', arch ?? process.arch]
  return (variant === undefined ? parts : [...parts, variant]).join('/')
}
