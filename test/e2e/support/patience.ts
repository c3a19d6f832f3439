/** How many times as long as usual things may take: machines that are emulated are slow. */
export const PATIENCE = Number(process.env.BRYO_TEST_PATIENCE ?? 1)
