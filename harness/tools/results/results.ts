/** `npm run results`: takes a result of the bench from anybody, and makes the table and the roofline of all adapters. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { EngineError, printable, show } from '../../../src/base/errors';
import { describeAdapter } from '../../../src/gpu/adapter';
import { markdownGrid } from '../../bench/export';
import { adapterOf, type MeasuredAdapter, measuredTable, ranked, ratesOf } from '../../bench/measured';
import { parseResult } from '../../bench/read';
import { adaptersSvg } from '../../bench/roofline';
import { readWhole, writeWhole } from '../../cli/files';

export const TABLE = 'docs/results/gpu/table.json';
export const ROOFLINE = 'docs/results/gpu/roofline.svg';
export const PAGE = 'docs/performance.md';

const help = `npm run results [-- add FILE]

Takes the result of a bench, a bench.json, into ${TABLE}, and makes ${ROOFLINE} and the table of ${PAGE} anew;
without FILE, it does the latter alone, for instance after a row was removed.

Of two results of one adapter, runtime, commit, network and batch the newer one stays.`;

/** Between these lines of the page. */
const MARKS = ['<!-- npm run results makes these lines -->', '<!-- until here -->'] as const;

/** More than ten times the largest result. */
const MOST_BYTES = 2 ** 21;
const MOST_ROW_BYTES = 4096;
/** Milliseconds, GFLOP/s and GB/s that can be. */
const [LEAST, MOST] = [1e-6, 1e9];

export async function main(
  args: readonly string[],
  root = pathToFileURL(`${process.cwd()}/`),
): Promise<number> {
  const [command, path] = args;
  if (args.length > 0 && !(args.length === 2 && command === 'add')) {
    console[command === '--help' ? 'log' : 'error'](help);
    return command === '--help' ? 0 : 2;
  }
  try {
    const before = await rowsIn(root);
    const row = path === undefined ? undefined : await read(path, root);
    const rows = row ? withRow(before, row, path) : before;
    const page = readFileSync(new URL(PAGE, root), 'utf8');
    for (const [file, content] of Object.entries(filesOf(rows, page)))
      await writeWhole(fileURLToPath(new URL(file, root)), content);
    if (row) console.log(`Took the result of ${adapterOf(row).name}, commit ${row.commit}.`);
    console.log(`Made ${TABLE}, ${ROOFLINE} and the table of ${PAGE} of ${rows.length} results.`);
    return 0;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(error.message);
    return 1;
  }
}

/** The rows that are there; two who add one leave the marks of a merge in the file. */
async function rowsIn(root: URL): Promise<MeasuredAdapter[]> {
  const text = new TextDecoder().decode(await readWhole(fileURLToPath(new URL(TABLE, root))));
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new EngineError('data', `${TABLE} is not JSON: ${why}. Mend it, a row a line, and try again.`, {
      cause,
    });
  }
}

async function read(path: string, root: URL): Promise<MeasuredAdapter> {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MOST_BYTES) {
    const most = `a result has at most ${MOST_BYTES}. Give a file that bench wrote`;
    throw new EngineError('data', `${printable(path)} has ${size} bytes; ${most}.`);
  }
  return rowOf(basename(path), new TextDecoder().decode(await readWhole(path)), root, new Date());
}

/**
 * The row of a result that anybody may have made.
 *
 * @throws EngineError `data` that says what is wrong
 */
export function rowOf(name: string, json: string, root: URL, now: Date): MeasuredAdapter {
  const { result } = parseResult(name, json);
  const refuse = (what: string) => new EngineError('data', `${name} cannot be in the table: ${what}.`);
  const { runtime, date, commit = '', batch, step, forward, sample, peak } = result;
  const { recipe, widths, kernelSize, convolutionsPerLevel, residual } = result.network ?? {};
  const { software } = result.adapter;
  const described = describeAdapter(result.adapter as Partial<GPUAdapterInfo> as GPUAdapterInfo);
  if (!step) throw refuse('it has no training step, which the table begins with. Bench without a kernel');
  const row: MeasuredAdapter = {
    ...{ adapter: { ...described, software }, runtime, date, commit },
    network: result.network && { recipe, widths, kernelSize, convolutionsPerLevel, residual },
    batch,
    ms: {
      step: step.ms.median,
      forward: forward?.ms.median ?? null,
      sample: sample?.ms.median ?? null,
    },
    firstMs: step.firstMs ?? null,
    peak: { gflops: peak.gflops, gbps: peak.gbps },
  };

  if (described.software && !software)
    throw refuse(
      'its adapter is named as one in software, and said to be a GPU. Give a file that bench wrote',
    );
  // The reader has written control characters as \u{…}, but for the ends of lines.
  for (const text of [runtime, ...Object.values(row.adapter).map(String)])
    if (/\n|\\u\{/.test(text))
      throw refuse(`${show(text)} in it has control characters. Give a file that bench wrote`);
  for (const value of [...Object.values(row.ms), row.firstMs, ...Object.values(row.peak)]) {
    if (value !== null && !(value >= LEAST && value <= MOST))
      throw refuse(`a time or a peak in it is ${value}; each must be a number from ${LEAST} to ${MOST}`);
  }
  try {
    ratesOf(row);
  } catch (error) {
    throw refuse(`it has no legal network: ${(error as Error).message.replace(/\.$/, '')}`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(row));
  if (bytes > MOST_ROW_BYTES) throw refuse(`its row has ${bytes} bytes; a row has at most ${MOST_ROW_BYTES}`);
  const at = Date.parse(date);
  if (!(at <= now.getTime()) || new Date(at).toISOString() !== date)
    throw refuse(`its date is ${show(date)}; it must be of the past, like ${now.toISOString()}`);
  if (!isKnown(commit, root)) {
    throw refuse(
      `its commit is ${show(commit || undefined)}; it must be one of this clone's history, without changes. Get the whole history (git fetch --unshallow), or bench again what is committed`,
    );
  }
  return row;
}

/** Kernels that are not in the history say nothing about those that are. */
function isKnown(commit: string, root: URL): boolean {
  const cwd = fileURLToPath(root);
  const isAncestor = () => spawnSync('git', ['merge-base', '--is-ancestor', commit, 'HEAD'], { cwd });
  return /^[0-9a-f]{40}$/.test(commit) && isAncestor().status === 0;
}

/** `rows` with `row` in place of an older one of the same. */
function withRow(rows: readonly MeasuredAdapter[], row: MeasuredAdapter, path: string): MeasuredAdapter[] {
  const key = ({ adapter, runtime, commit, network, batch }: MeasuredAdapter) =>
    JSON.stringify([adapter, runtime, commit, network, batch]);
  const before = rows.find((one) => key(one) === key(row));
  if (before && before.date >= row.date) {
    throw new EngineError(
      'data',
      `${printable(path)} is of ${row.date}, and the row of the same adapter, runtime, commit, network and batch of ${before.date}. Give a newer one, or remove that row from ${TABLE}.`,
    );
  }
  return [...rows.filter((one) => one !== before), row];
}

/** The contents of all files that are made of the rows, by path; `page` is the present text of the page. */
export function filesOf(rows: readonly MeasuredAdapter[], page: string): Record<string, string> {
  const all = ranked(rows);
  const svg = adaptersSvg(all.map(adapterOf));
  return {
    [TABLE]: `[${all.map((one) => `\n${JSON.stringify(one)}`).join(',')}\n]\n`,
    ...(svg ? { [ROOFLINE]: svg } : {}),
    [PAGE]: withLines(page, all),
  };
}

/** The page with the table in place of the one that was made before. */
function withLines(page: string, all: readonly MeasuredAdapter[]): string {
  const [from, to] = MARKS.map((mark) => page.indexOf(mark));
  if (from < 0 || to < from)
    throw new EngineError('data', `${PAGE} lacks the lines ${MARKS.map(show).join(' and ')}.`);
  const table = measuredTable(all);
  const { lead = [], notes = [] } = table;
  const plot = '![Roofline of all adapters](results/gpu/roofline.svg)';
  const lines = [page.slice(0, from + MARKS[0].length), ...lead, markdownGrid(table), ...notes, plot];
  return [...lines, page.slice(to)].join('\n\n');
}
