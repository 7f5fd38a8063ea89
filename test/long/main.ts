/**
 * The promises of docs/reliability.md in numbers that `npm test` has no time for. Prints a table like the one there.
 *
 *   npm run test:all -- long [WORD]…     only these groups, and rows that have one of the words in their name
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

export const groups: Readonly<Record<string, readonly Row[]>> = {
  files,
  kills: [races, kills],
  pages,
  bits,
  calls,
  ...hostile,
  'at size': atSize,
  pytorch,
  rates: [frames, ...hand],
  pack: [pack],
};

export async function main(words: readonly string[]): Promise<number> {
  const isMeant = (word: string, group: string, name: string) =>
    word in groups ? word === group : name.includes(word);
  const wanted = Object.entries(groups).flatMap(([group, rows]) =>
    rows.filter(({ name }) => words.length === 0 || words.some((word) => isMeant(word, group, name))),
  );
  if (wanted.length === 0) {
    const known = Object.entries(groups).map(
      ([group, rows]) => `\n  ${group}: ${rows.map(({ name }) => name).join('; ')}`,
    );
    console.error(`No row has ${words.join(' or ')} in its name. The rows by group:${known.join('')}`);
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
