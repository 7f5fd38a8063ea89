/** `npm run results`: takes results of the bench from anybody, and makes the tables and the roofline of all adapters. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { EngineError, printable, show } from '../../../src/base/errors';
import { acceptResult, MOST_BYTES } from '../../bench/accept';
import { markdownGrid, toJson } from '../../bench/export';
import {
  type Measured,
  measuredOf,
  measuredTable,
  nameOf,
  networkText,
  ranked,
  runtimeText,
} from '../../bench/measured';
import { parseResult } from '../../bench/read';
import type { BenchResult } from '../../bench/result';
import { adaptersSvg } from '../../bench/roofline';
import { readWhole, writeWhole } from '../../cli/files';

const help = `npm run results [-- add FILE...]

Takes results of the bench into docs/results/gpu, and makes its table.json and roofline.svg and the table of docs/performance.md anew;
without a FILE, it does the latter alone, for instance after a result was removed.

  FILE   a bench.json, or the folder of results that run.sh of npm run pack:gpu wrote

Of two results of one adapter, runtime, commit, network and batch the newer one stays.`;

type Accepted = BenchResult & { readonly commit: string };

/** Between these lines of docs/performance.md. */
const MARKS = ['<!-- npm run results makes these lines -->', '<!-- until here -->'] as const;

export async function main(
  args: readonly string[],
  root = pathToFileURL(`${process.cwd()}/`),
): Promise<number> {
  const [command, ...files] = args;
  if (command === '--help' || (command === undefined ? false : command !== 'add' || files.length === 0)) {
    console[command === '--help' ? 'log' : 'error'](help);
    return command === '--help' ? 0 : 2;
  }
  const folder = fileURLToPath(new URL('docs/results/gpu/', root));
  let refused = 0;
  await mkdir(folder, { recursive: true });
  for (const path of files) {
    try {
      const result = acceptResult(basename(path), await read(path), new Date());
      checkCommit(result.commit, basename(path), root);
      console.log(await add(result, folder));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      console.error(error.message);
      refused++;
    }
  }
  if (refused === 0 || refused < files.length) await makeTables(folder, root);
  return Math.sign(refused);
}

/** The text of a result, or of the one in a folder of the pack, whose check must have passed. */
async function read(path: string): Promise<string> {
  const size = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const load = async (file: string) => {
    if (size(file) > MOST_BYTES) {
      const most = `a result has at most ${MOST_BYTES}. Give a file that bench wrote`;
      throw new EngineError('data', `${printable(file)} has ${size(file)} bytes; ${most}.`);
    }
    return new TextDecoder().decode(await readWhole(file));
  };
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return load(path);
  const summary = await load(join(path, 'summary.json'));
  const passed = ['check', 'bench'].every((stage) => hasPassed(summary, stage));
  if (passed) return load(join(path, 'bench.json'));
  throw new EngineError(
    'data',
    `${printable(path)} cannot be in the table: its summary.json does not say that check and bench passed. Run the pack's run.sh again, and find out what its check.txt says.`,
  );
}

function hasPassed(summary: string, stage: string): boolean {
  try {
    const { quick, stages } = JSON.parse(summary);
    const found = [...stages].find(({ name }) => name === stage);
    return quick === false && found?.passed === true;
  } catch {
    return false;
  }
}

/** @throws EngineError `data` unless the history has the commit: kernels that are unknown here say nothing about these. */
function checkCommit(commit: string, name: string, root: URL): void {
  const cwd = fileURLToPath(root);
  const { status } = spawnSync('git', ['merge-base', '--is-ancestor', commit, 'HEAD'], { cwd });
  if (status === 0) return;
  throw new EngineError(
    'data',
    `${name} cannot be in the table: its commit ${commit} is not in this clone's history. Get the whole history (git fetch --unshallow), or bench again with a commit of the main branch.`,
  );
}

/** Writes the short form. What was done, in a sentence. */
async function add(result: Accepted, folder: string): Promise<string> {
  const file = fileOf(result);
  const path = join(folder, file);
  const measured = measuredOf(file, result);
  const what = `${nameOf(measured)}, ${runtimeText(result.runtime)}, ${networkText(measured)}, commit ${result.commit.slice(0, 7)}`;
  const before = readdirSync(folder).includes(file) ? readShort(folder, file) : undefined;
  if (before && before.date >= result.date) {
    throw new EngineError(
      'data',
      `${what}: ${file} is already there, of ${before.date}, and this one of ${result.date} is not newer. Remove that file to take this one.`,
    );
  }
  await writeWhole(path, toJson(result));
  return `${before ? `Replaced the result of ${before.date}` : 'Added'}: ${what}. Wrote ${file}.`;
}

/** Made of letters, digits and hyphens, and the same for results that take each other's place. */
export function fileOf({ adapter, runtime, commit, network, batch }: Accepted): string {
  const parts = [nameOf({ adapter }), runtimeText(runtime), networkText({ network, batch })];
  const words = parts.map((part) =>
    part
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 40),
  );
  const same = createHash('sha256').update(JSON.stringify([adapter, runtime, commit, network, batch]));
  return `${[...words, same.digest('hex').slice(0, 8)].join('-').replace(/-+/g, '-').replace(/^-/, '')}.json`;
}

const readShort = (folder: string, file: string) =>
  parseResult(file, readFileSync(join(folder, file), 'utf8')).result as Accepted;

async function makeTables(folder: string, root: URL): Promise<void> {
  const page = fileURLToPath(new URL('docs/performance.md', root));
  const { table, svg, lines } = tablesOf(folder);
  await writeWhole(join(folder, 'table.json'), table);
  const plot = join(folder, 'roofline.svg');
  if (svg) await writeWhole(plot, svg);
  else await rm(plot, { force: true });
  await writeWhole(page, withLines(readFileSync(page, 'utf8'), lines));
  console.log('Made table.json and roofline.svg in docs/results/gpu, and the table of docs/performance.md.');
}

/** The contents of the files that are made of the results in `folder`. */
export function tablesOf(folder: string) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'table.json');
  const all = ranked(names.map((name) => measuredOf(name, readShort(folder, name))));
  return {
    table: `[${all.map((one) => `\n${JSON.stringify(one)}`).join(',')}\n]\n`,
    svg: adaptersSvg(all.map(adapterOf)),
    lines: linesOf(all),
  };
}

export const adapterOf = (one: Measured) => ({
  ...one,
  name: `${nameOf(one)}, ${runtimeText(one.runtime)}, ${networkText(one)}`,
});

/** The table in Markdown. */
export function linesOf(all: readonly Measured[]): string {
  const table = measuredTable(all);
  const { lead = [], notes = [], rows } = table;
  const grid = rows.length > 0 ? [markdownGrid(table), ...notes] : [];
  const plot = rows.length > 0 ? ['![Roofline of all adapters](results/gpu/roofline.svg)'] : [];
  return [...lead, ...grid, ...plot].join('\n\n');
}

/** `page` with `lines` in place of those that were made before. */
export function withLines(page: string, lines: string): string {
  const [from, to] = MARKS.map((mark) => page.indexOf(mark));
  if (from < 0 || to < from)
    throw new EngineError('data', `docs/performance.md lacks the lines ${MARKS.map(show).join(' and ')}.`);
  return `${page.slice(0, from + MARKS[0].length)}\n\n${lines}\n\n${page.slice(to)}`;
}
