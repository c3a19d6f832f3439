import fc from 'fast-check'

/** The same cases in every run, so that a run says something of the change it is about; BRYO_TEST_SEED=random looks for new ones. */
const SEED = process.env.BRYO_TEST_SEED ?? '1'

if (SEED !== 'random') fc.configureGlobal({ seed: Number(SEED) })
