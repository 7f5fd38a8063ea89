/**
 * Time limits of tests, in milliseconds. On two quiet cores no test takes a fifth of its limit, so that a machine that does much else makes none
 * red; one that hangs fails with its name. No timer ends a test that blocks its thread: its lane is ended (run.ts).
 */

/** The limit of a test that has no reason for a longer one. */
const MINUTE = 60_000;

/** The reasons for another limit. */
const minutes = {
  /** It compiles a network's shaders on a processor, beside another lane that does the same. */
  compilesShaders: 3,
  /** It drives a page that does so, or runs commands in processes of their own. */
  drivesPage: 5,
  runsProcesses: 5,
  /** It trains a network in colour for 300 updates in Chrome, on a processor: two and a half minutes. */
  trainsInChrome: 15,
} as const;

/** The option of a test, or of all tests of a project, with such a reason. */
export const limit = (reason?: keyof typeof minutes) => {
  const timeout = reason ? minutes[reason] * MINUTE : MINUTE;
  return { testTimeout: timeout, hookTimeout: timeout };
};

/** The same as an option of one test. */
export const takesLong = (reason: keyof typeof minutes) => ({ timeout: limit(reason).testTimeout });
