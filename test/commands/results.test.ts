/** Results of strangers: what is refused, what is kept, and the table and the roofline that are made of it. No GPU. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { markdownGrid, toJson } from '../../harness/bench/export';
import {
  adapterOf,
  type MeasuredAdapter,
  measuredTable,
  ranked,
  ratesOf,
} from '../../harness/bench/measured';
import { parseResult } from '../../harness/bench/read';
import type { BenchResult } from '../../harness/bench/result';
import { adaptersSvg } from '../../harness/bench/roofline';
import { filesOf, main, PAGE, ROOFLINE, rowOf, TABLE } from '../../harness/tools/results/results';
import { temporaryFolder } from '../lib/system';
import { tenAdapters } from '../lib/ten_adapters';

const read = (path: string) => readFileSync(path, 'utf8');

/** A repository with a commit, a page and no results. */
const folder = temporaryFolder(afterAll);
const at = (path: string) => join(folder, path);
const there = pathToFileURL(at('/'));
const git = (...args: string[]) =>
  spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder, encoding: 'utf8' });
const page = 'Before\n\n<!-- npm run results makes these lines -->\nold\n<!-- until here -->\n\nAfter\n';
mkdirSync(at('docs/results/gpu'), { recursive: true });
writeFileSync(at(TABLE), '[\n]\n');
writeFileSync(at(PAGE), page);
git('init');
const commitNow = () => {
  git('commit', '--allow-empty', '-m', 'a');
  return git('rev-parse', 'HEAD').stdout.trim();
};
const commit = commitNow();

const { result: before } = parseResult('real.json', read('docs/results/bench-node-lavapipe-64.json'));
/** A real result, with what files have since 0.3. */
const real = { ...before, commit, step: { ...before.step!, firstMs: 6500 } };
const accept = (json: string) => rowOf('a.json', json, there, new Date('2026-12-01T00:00:00.000Z'));
const changed = (changes: object) => toJson({ ...real, ...changes } as BenchResult);

test('a bench result is kept as its medians and peaks; rates are derived as the bench computes them', () => {
  const { adapter, runtime, date, batch, step, forward, sample } = real;
  const ms = { step: step.ms.median, forward: forward!.ms.median, sample: sample!.ms.median };
  const { copies: _, ...peak } = real.peak;
  const kept = { adapter, runtime, date, commit, batch, ms, firstMs: 6500, peak };
  expect(accept(toJson(real))).toEqual(kept);
  expect(accept(changed({ extra: '<b>', adapter: { ...adapter, extra: 1 } }))).toEqual(kept);
  expect(accept(changed({ network: { recipe: 'digits', extra: 1 } })).network).toEqual({ recipe: 'digits' });
  expect(ratesOf(kept).gflops).toBeCloseTo(step.insideGflops, 6);
  expect(ratesOf(kept).recipeSeconds).toBeCloseTo((785 * 64.622) / 1000, 2);
});

const adapter = (changes: object) => ({ adapter: { ...real.adapter, ...changes } });
test.each<[string, object, RegExp]>([
  ['software as a GPU', adapter({ software: false }), /named as one in software, and said to be a GPU\./],
  ['a control character', adapter({ device: 'a\u001b[1m' }), /"a\S+1b\S+" in it has control characters\./],
  ['a turn of the direction', adapter({ vendor: '\u202ea' }), /"\S+202e\S+" in it has control characters/],
  ['two lines', { runtime: 'a\nb' }, /"a\\nb" in it has control characters/],
  ['a long name', { ...adapter({ device: 'é'.repeat(999) }), runtime: 'é'.repeat(999) }, / at most 4096\./],
  ['tomorrow', { date: '2026-12-02T00:00:00.000Z' }, /its date is "2026-12-02\S+; it must be of the past/],
  ['no day', { date: 'today' }, /its date is "today"; it must be of the past, like 2026-12-01/],
  ['no commit', { commit: undefined }, /its commit is missing; it must be one of this clone's history/],
  ['changed kernels', { commit: `${commit}-dirty` }, /its commit is "\w+-dirty"; it must be one/],
  ['another history', { commit: 'c'.repeat(40) }, /its commit is "c+"; .*fetch --unshallow/],
  ['no step', { step: null }, /has no training step, which the table begins with\. Bench without a kernel/],
  ['no peak', { peak: { ...real.peak, gbps: 0 } }, /a peak in it is 0; each must be a number from 0\.000001/],
  [
    'no batch',
    { batch: 0 },
    /no legal network: batchSize is 0; it must be a whole number from 1 to 65536\.$/,
  ],
  ['no recipe', { network: { recipe: 'constructor' } }, /no legal network: recipe is "constructor"/],
  ['wide layers', { network: { widths: [1e9] } }, /no legal network: widths is 1000000000; it must/],
])('a bench result with %s is refused in a sentence', (_, changes, sentence) => {
  expect(() => accept(changed(changes))).toThrow(sentence);
});

test('a bench result that was edited is refused by its checksum', () => {
  const json = toJson(real);
  const sentence = /^a\.json is not a result of this bench: its checksum is \w{8}, but "\w{8}" is written/;
  expect(() => accept(json.replace('"n":50', '"n":51'))).toThrow(sentence);
  expect(accept(JSON.stringify(JSON.parse(json), null, 2))).toEqual(accept(json));
});

describe('npm run results', () => {
  const said: string[] = [];
  beforeEach(() => {
    said.length = 0;
    for (const name of ['log', 'error'] as const)
      vi.spyOn(console, name).mockImplementation((line) => void said.push(line));
    return () => vi.restoreAllMocks();
  });
  const run = (...args: string[]) => main(args, there);
  const add = (changes: object) => {
    writeFileSync(at('bench.json'), changed(changes));
    return run('add', at('bench.json'));
  };
  const rows = (): MeasuredAdapter[] => JSON.parse(readFileSync(at(TABLE), 'utf8'));

  test('adds a result, and writes the table, the page and the roofline anew', async () => {
    expect(await add({})).toBe(0);
    expect(said[0]).toMatch(/^Took the result of llvmpipe: .*, Node v20\S+ .*, commit \w{40}\.$/);
    expect(rows()).toEqual([accept(toJson(real))]);
    const text = readFileSync(at(PAGE), 'utf8');
    expect(text).toMatch(/^Before\n\n<!-- .*\n\nNo GPU has been [\s\S]*\n\n<!-- .* -->\n\nAfter\n$/);
    expect(text).toContain(' | 64.6 | 22.2 | 37.7 | 50.7 | 161 | 12.2 | 6.50 | tutorial, 64 images | ');
    expect(readFileSync(at(ROOFLINE), 'utf8')).toContain('class="mark"');
    expect(await run()).toBe(0);
    expect(readFileSync(at(PAGE), 'utf8')).toBe(text);
  });

  test('keeps the newer of two results of the same adapter and commit', async () => {
    expect(await add({})).toBe(1);
    expect(said.join()).toMatch(/ is of 2026-11-25T\S+, and the row of the same .* of 2026-11-25T\S+\. Give/);
    expect(await add({ date: '2026-11-26T00:00:00.000Z' })).toBe(0);
    expect(rows().map(({ date }) => date)).toEqual(['2026-11-26T00:00:00.000Z']);
    // One of another commit takes no other's place, however old it is.
    expect(await add({ commit: commitNow(), date: '2026-11-24T00:00:00.000Z' })).toBe(0);
    expect(rows()).toHaveLength(2);
  });

  test('names its table where a merge has left its marks in it', async () => {
    const table = readFileSync(at(TABLE), 'utf8');
    writeFileSync(at(TABLE), `<<<<<<< ours\n${table}`);
    expect(await run()).toBe(1);
    expect(said.join()).toMatch(/^docs\/results\/gpu\/table\.json is not JSON: .* Mend it/);
    writeFileSync(at(TABLE), table);
  });

  test('refuses a file that is too large or missing, and unknown words', async () => {
    writeFileSync(at('large.json'), ' '.repeat(2 ** 21 + 1));
    expect([await run('add', at('large.json')), await run('add', at('none.json'))]).toEqual([1, 1]);
    expect(said.join()).toMatch(/large\.json has 2097153 bytes; .* 2097152\. Give .*none\.json could not be/);
    expect([await run('--help'), await run('add'), await run('bench.json')]).toEqual([0, 2, 2]);
    expect(said.slice(2).every((text) => text.startsWith('npm run results [-- add FILE]'))).toBe(true);
  });
});

test('the table and the roofline in docs are made of the rows in docs', () => {
  const made = filesOf(JSON.parse(read(TABLE)), read(PAGE));
  expect(Object.keys(made)).toEqual([TABLE, ROOFLINE, PAGE]);
  for (const [path, content] of Object.entries(made)) expect(read(path), path).toBe(content);
});

describe('the results of ten adapters', () => {
  const all = ranked(tenAdapters);
  const table = measuredTable(all);

  test('have a row each, GPUs first, the fastest first, and name software as software', () => {
    expect(table.lead).toEqual([]);
    expect(table.rows.map(([name, runtime]) => `${name.slice(-13)}: ${runtime}`)).toEqual([
      'Made-up One: Chrome 160, Windows',
      '2) Direct3D11: Edge 160, Windows',
      '//a.b `c` _d_: Node v24, webgpu 0.7',
      'Made-up Seven: Chrome 160, macOS',
      'Made-up Five: Firefox 151, Linux',
      'named adapter: Chrome 160, Windows',
      'Made-up Three: Safari 26.0, iOS',
      'Made-up Four: Chrome 161, Android',
      'Made-up Six: Chrome 159, ChromeOS',
      're (software): Chrome 160, Windows',
    ]);
    const [first] = table.rows.map((row) => row.slice(2).join(' '));
    expect(first).toBe('2.10 0.700 1.50 1.97 41,000 1,800 1.00 digits, 64 images 2026-12-01, 0000000');
    // Whatever their names, they are text in Markdown.
    const [, , ...rows] = markdownGrid(table).split('\n');
    expect(rows[2]).toContain(
      '\\[a\\](javascript:b) \\<img src=x\\> \\| www\\.a.b http\\://a.b \\`c\\` \\_d\\_ | ',
    );
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(table.head.length + 1);
  });

  test('have a mark each in one roofline', () => {
    const drawing = adaptersSvg(all.map(adapterOf))!;
    const marks = [...drawing.matchAll(/<path class="mark" color="([^"]+)"[^>]*><title>([^<]+)<\/title>/g)];
    const names = all.map((one) => adapterOf(one).name.slice(0, 11));
    expect(marks.map(([, , title]) => title.slice(0, 11))).toEqual(names);
    expect(new Set(marks.map(([, colour]) => colour)).size).toBe(10);
    const last = 'Made-up software (software), Chrome 160, Windows, digits, 64 images: 31.5 GFLOP/s in a ';
    expect(marks[9][2]).toBe(`${last}training step; peak 120 GFLOP/s, 9.00 GB/s`);
    expect(drawing).not.toMatch(/NaN|Infinity|undefined|<img/);
  });
});
