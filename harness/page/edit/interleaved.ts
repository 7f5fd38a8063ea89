/** Times two ways to do the same by turns, so that other work of the machine slows down both alike. */

import { type Encode, repeated, summary, type Timer } from '../../bench/timer';

const ROUNDS = 9;
/** A span of one clock reading: long enough for any clock. */
const SPAN_MS = { 'timestamp-query': 20, 'wall clock': 60 } as const;
/** Total time to aim for; there are at least three rounds. */
const TOTAL_MS = 4000;
const MOST_REPEATS = 2000;

/** Median milliseconds of each. */
export async function timeByTurns(
  timer: Timer,
  a: Encode,
  b: Encode,
): Promise<{ readonly a: number; readonly b: number; readonly rounds: number }> {
  for (const each of [a, b]) await timer.once(each); // compiles, and moves the buffers to where they are used
  const took = Math.max(await timer.once(a), await timer.once(b), 1e-3);
  const repeats = Math.min(MOST_REPEATS, Math.max(1, Math.ceil(SPAN_MS[timer.kind] / took)));
  const rounds = Math.min(ROUNDS, Math.max(3, Math.floor(TOTAL_MS / (2 * repeats * took))));
  const times = { a: [] as number[], b: [] as number[] };
  for (let i = 0; i < rounds; i++) {
    // The second one finds a warmer cache, so the order alternates.
    for (const which of i % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const))
      times[which].push((await timer.once(repeated({ a, b }[which], repeats))) / repeats);
  }
  return { a: summary(times.a).median, b: summary(times.b).median, rounds };
}
