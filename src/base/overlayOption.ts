/**
 * A path as the value of an overlay mount option: `,` ends an option, `:` a lower directory.
 * @see Documentation/filesystems/overlayfs.rst
 */
export function escapeOverlayOption(path: string): string {
  return path.replace(/[\\,:]/g, (character) => `\\${character}`)
}
