/**
 * The promises of docs/reliability.md in numbers that `npm test` has no time for. Prints a table like the one there.
 *
 *   npm run test:long -- [WORD]…     only the rows that have one of these words in their name
 */
import { arch, availableParallelism, cpus, platform, release } from 'node:os';
import { atSize } from './at_size';
import { bits } from './bits';
import { calls } from './calls';
import { files } from './files';
import { frames } from './frames';
import { hand } from './hand';
import { hostile } from './hostile';
import { kills } from './kills';
import { pack } from './pack';
import { pages } from './pages';
import { pytorch } from './pytorch';
import { races } from './races';
import type { Row } from './row';
import { suites } from './suites';

const rows: readonly Row[] = [
  ...files,
  races,
  kills,
  ...pages,
  ...bits,
  ...calls,
  ...hostile,
  ...atSize,
  ...pytorch,
  ...suites,
  frames,
  ...hand,
  pack,
];

export async function main(words: readonly string[]): Promise<number> {
  const wanted = rows.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (wanted.length === 0) {
    console.error(
      `No row has ${words.join(' or ')} in its name; there are ${rows.map(({ name }) => name).join(', ')}.`,
    );
    return 2;
  }
  console.log(
    `${platform()} ${release()} ${arch()}, ${availableParallelism()} cores of ${cpus()[0].model}, Node ${process.version}\n`,
  );
  console.log('| promise | figure | seconds |\n|---|--:|--:|');
  let broken = 0;
  for (const { name, run } of wanted) {
    const start = performance.now();
    let figure: string;
    try {
      figure = await run();
    } catch (error) {
      figure = `BROKEN: ${(error as Error).stack}`;
      broken++;
    }
    console.log(`| ${name} | ${figure} | ${((performance.now() - start) / 1000).toFixed(1)} |`);
  }
  return broken > 0 ? 1 : 0;
}
