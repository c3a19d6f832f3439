declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

/** An absolute path on the host. */
export type HostPath = Brand<string, 'HostPath'>
/** `sha256:` and 64 lower-case hex digits. */
export type Digest = Brand<string, 'Digest'>
/** 64 lower-case hex digits. */
export type ContainerId = Brand<string, 'ContainerId'>
