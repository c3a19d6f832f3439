/**
 * An AppArmor profile that lets one program have user namespaces and confines nothing.
 * @param program absolute path of the executable that forks: the runtime's, not the launcher script's
 * @see https://gitlab.com/apparmor/apparmor/-/wikis/unprivileged_userns_restriction
 */
export function appArmorProfile(program: string): string {
  return [
    'abi <abi/4.0>,',
    'include <tunables/global>',
    '',
    `profile bryo "${program}" flags=(unconfined) {`,
    '  userns,',
    '  include if exists <local/bryo>',
    '}',
    '',
  ].join('\n')
}

/** The commands that install the profile. */
export function appArmorFix(program: string): string {
  return [
    'as root, allow it for bryo:',
    "cat > /etc/apparmor.d/bryo <<'EOF'",
    `${appArmorProfile(program)}EOF`,
    'apparmor_parser -r /etc/apparmor.d/bryo',
    '(or for every program: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0)',
  ].join('\n')
}
