/** The newest version of the runtime specification that this program knows. */
export const SPEC_VERSION = '1.2.0'
