declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

/** An absolute path on the host. */
export type HostPath = Brand<string, 'HostPath'>
/** An absolute path inside a container's root; never joined to a host path as a string. */
export type RootfsPath = Brand<string, 'RootfsPath'>
/** `sha256:` and 64 lower-case hex digits. */
export type Digest = Brand<string, 'Digest'>
/** 64 lower-case hex digits. */
export type ContainerId = Brand<string, 'ContainerId'>
