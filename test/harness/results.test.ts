/** Results of strangers: what is refused, what is written, and the tables that are made of it. No GPU. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { acceptResult, MOST_BYTES } from '../../harness/bench/accept';
import { markdownGrid, rowsToJson, toJson } from '../../harness/bench/export';
import { measuredOf, measuredTable, ranked, runtimeText } from '../../harness/bench/measured';
import { parseResult } from '../../harness/bench/read';
import { type BenchResult, checksumOf } from '../../harness/bench/result';
import { adaptersSvg } from '../../harness/bench/roofline';
import { Random } from '../../harness/specs/lib/spec';
import { adapterOf, fileOf, linesOf, main, tablesOf, withLines } from '../../harness/tools/results/results';
import { EngineError } from '../../src/base/errors';
import { tenAdapters } from './ten_adapters';

const root = new URL('../../', import.meta.url);
const now = new Date('2026-12-01T00:00:00.000Z');
const commit = 'dba947336021ecc11d0e589811e4ae0d943e8492';

/** A real result, with what files have since 0.3. */
const { result: before } = parseResult(
  'real.json',
  readFileSync(new URL('docs/results/bench-node-lavapipe-64.json', root), 'utf8'),
);
const real: BenchResult = { ...before, commit, step: { ...before.step!, firstMs: 6500 } };
const accept = (json: string, name = 'a.json') => acceptResult(name, json, now);

/** What the file with this content is refused for. */
function refusal(json: string, name = 'a.json'): string {
  try {
    accept(json, name);
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).code).toBe('data');
    return (error as EngineError).message;
  }
  return 'accepted';
}

describe('a result', () => {
  test('is taken in its short form: totals, and each row that was measured', () => {
    const short = accept(toJson(real));
    const { adapter, runtime, date, batch, peak, step, forward, sample, end, gflopsAtEnd } = real;
    expect(short).toMatchObject({
      adapter,
      runtime,
      date,
      commit,
      batch,
      peak,
      step,
      forward,
      sample,
      end,
      gflopsAtEnd,
    });
    expect(short.rows.map(({ kernel, variant, layer, ms }) => [kernel, variant, layer, ms])).toEqual(
      real.rows.map(({ kernel, variant, layer, ms }) => [kernel, variant, layer, ms]),
    );
    expect([short.skipped, short.sweep, short.breakdowns.step]).toEqual([[], [], null]);
    expect(accept(toJson(short))).toEqual(short);
    const more = { ...real, extra: '<b>', adapter: { ...adapter, extra: 1 } };
    expect(accept(toJson(more))).toEqual(short);
  });

  test('of any network says what it is', () => {
    const network = { recipe: 'digits', widths: [8, 16] } as const;
    expect(refusal(toJson({ ...real, network }))).toMatch(
      /GFLOP\/s of its step is .*, but network and median make/,
    );
    const changed = toJson({ ...real, network: { recipe: 'digits', widths: [1e9] } });
    expect(refusal(changed)).toMatch(/^a\.json cannot be in the table: it has no legal network: widths/);
    expect(refusal(toJson({ ...real, network: { recipe: 'constructor' as never } }))).toMatch(
      /recipe is "constructor"/,
    );
  });

  const [row] = real.rows;
  const rows = (changes: object) => ({ rows: [{ ...row, ...changes }] });
  const step = (changes: object) => ({ step: { ...real.step!, ...changes } });
  test.each<[string, object, RegExp]>([
    [
      'a median above p90',
      step({ ms: { ...real.step!.ms, median: 80 } }),
      /the times of step are p10 63\.1\d*, median 80, p90 68\.6/,
    ],
    [
      'a median of a row below p10',
      rows({ ms: { ...row.ms, median: 1 } }),
      /the times of adam\.plain all layers are p10/,
    ],
    [
      'two samples',
      step({ ms: { ...real.step!.ms, n: 2 } }),
      /samples of step is 2; it must be a whole number from 3/,
    ],
    [
      'images a second of another batch',
      step({ imagesPerSecond: 2000 }),
      /images per second of its step is 2000, but its median make 990/,
    ],
    [
      'more than a network computes',
      step({ gflops: 200 }),
      /^a\.json .*GFLOP\/s of its step is 200, but network and median make 185/,
    ],
    [
      'a faster peak',
      { peak: { ...real.peak, gbps: 20 } },
      /its peak of memory is 20, but its largest copy make 12/,
    ],
    [
      'a busy machine',
      { gflopsAtEnd: 60 },
      /its peak was 160\S* GFLOP\/s at the start and 60 at the end, more than 2 times/,
    ],
    [
      'no peak worth it',
      { peak: { ...real.peak, gflops: 5 }, gflopsAtEnd: 5 },
      /computes 146\S* GFLOP\/s, more than 12 times/,
    ],
    [
      'another batch of a row',
      rows({ batch: 32 }),
      /row adam\.plain all layers is of 32 images, the result of 64/,
    ],
    [
      'a time without a check',
      rows({ check: { pass: false, share: 9 } }),
      /was timed, though its check had failed/,
    ],
    ['a check without a time', rows({ ms: null }), /passed its check and has no time/],
    [
      'too much error',
      rows({ check: { pass: true, share: 1.5 } }),
      /share of the allowed error of .* is 1\.5; it must be a number from 0 to 1/,
    ],
    ['a row twice', { rows: [row, row] }, /it has two rows "adam\.plain all layers"/],
    ['too many rows', { rows: Array(2001).fill(row) }, /rows: 2001 entries; there must be 0 to 2000/],
    [
      'a share of another peak',
      rows({ shareOfPeak: 0.9 }),
      /share of the peak of .* is 0\.9, but its rates and the peaks make 0\.49/,
    ],
    [
      'operations of another row',
      rows({ flops: 1 }),
      /GFLOP\/s of adam\.plain all layers is .*, but its operations and median make/,
    ],
    [
      'bytes of another row',
      rows({ bytes: 1 }),
      /GB\/s of adam\.plain all layers is .*, but its bytes and median make/,
    ],
    ['a name with marks', rows({ layer: '<b>' }), /a name in it is "<b>"; names have letters, digits/],
    [
      'software as a GPU',
      { adapter: { ...real.adapter, software: false } },
      /its adapter is named as one in software, and said to be a GPU/,
    ],
    [
      'a long name',
      { adapter: { ...real.adapter, description: 'x'.repeat(301) } },
      /must be a line of at most 300 characters/,
    ],
    ['two lines', { runtime: 'a\nb' }, /runtime is "a\\nb"; it must be a line/],
    [
      'a day to come',
      { date: '2027-01-01T00:00:00.000Z' },
      /its date is "2027-.*; it must be of the past, like 2026-12-01/,
    ],
    ['the day after tomorrow', { date: '2026-12-03T00:00:00.001Z' }, /must be of the past, like 2026-12-01/],
    ['no day', { date: 'today' }, /its date is "today"; it must be of the past/],
    [
      'no commit',
      { commit: undefined },
      /it names no commit; a commit has 40 hexadecimal digits\. Bench again/,
    ],
    ['a flag for a commit', { commit: '--output=x' }, /its commit is "--output=x"; a commit has 40/],
    ['changed kernels', { commit: `${commit}-dirty` }, /had been changed since their commit\. Bench again/],
    ['stopped', { end: 'stopped', gflopsAtEnd: null }, /its end is "stopped"; it must be complete or budget/],
    ['without a step', { step: null }, /it has no training step, which the table begins with/],
    ['no images', { batch: 0 }, /batch is 0; it must be a whole number from 1 to 65536/],
    ['another clock', { timer: { kind: 'sun', resolutionMs: 1 } }, /a timer is "sun"/],
  ])('with %s is refused in a sentence', (_, changes, sentence) => {
    expect(refusal(toJson({ ...real, ...changes } as BenchResult))).toMatch(sentence);
  });

  test('that was changed on its way is no result', () => {
    const json = toJson(real);
    expect(refusal(json.replace('"n":50', '"n":51'))).toMatch(
      /^a\.json is not a result of this bench: its checksum is [0-9a-f]{8}, but "[0-9a-f]{8}" is written in it\. Give a file/,
    );
    expect(accept(JSON.stringify(JSON.parse(json), null, 2))).toEqual(accept(json));
    expect(refusal(' '.repeat(MOST_BYTES) + json)).toMatch(
      /^a\.json has \d+ characters; a result has at most 2097152\./,
    );
  });
});

describe('200 damaged files', () => {
  /** With fewer rows, which are alike. */
  const few = { ...real, rows: real.rows.slice(0, 50), skipped: real.skipped.slice(0, 30) };
  const content = JSON.parse(JSON.stringify(few));
  const json = toJson(few);
  const short = accept(json);
  type Place = readonly [holder: Record<string, unknown>, key: string, path: string];
  /** Every value that is no object, and in `objects` those that are. */
  function placesOf(value: object, path = ''): Place[] {
    return Object.entries(value).flatMap(([key, inner]): Place[] => {
      const own: Place = [value as Record<string, unknown>, key, `${path}/${key}`];
      return inner !== null && typeof inner === 'object' ? [own, ...placesOf(inner, own[2])] : [own];
    });
  }

  /** On its way: bytes that change, go or come. */
  function onTheWay(random: Random): string {
    const at = Math.floor(random.next() * json.length);
    const kinds = [
      () => json.slice(0, at),
      () => json.slice(0, at) + json.slice(at + 1 + Math.floor(random.next() * 40)),
      () =>
        json.slice(0, at) +
        String.fromCharCode(json.charCodeAt(at) ^ (1 << Math.floor(random.next() * 7))) +
        json.slice(at + 1),
      () => json.replaceAll('"', '”'),
      () => json.replace(/\n/g, random.next() < 0.5 ? '\r\n' : '\n> '),
      () => json.replace(/,\n/g, ',\n\n   '),
    ];
    return kinds[Math.floor(random.next() * kinds.length)]();
  }

  /**
   * By hand, with the checksum made anew: values of another kind or size, and fields that are left out. Variants may be anything, so none is
   * left out of a list of them.
   */
  function byHand(random: Random): string {
    const copy = structuredClone(content);
    const places = placesOf(copy);
    const [holder, key, path] = places[Math.floor(random.next() * places.length)];
    const value = holder[key];
    const wrong = [null, 'x'.repeat(400), -1 - Number(value) || -1, 1e300, [], { a: 1 }].filter(
      (other) =>
        typeof other !== typeof value ||
        typeof value === 'number' ||
        (typeof value === 'string' && other !== null),
    );
    if (random.next() < 0.3 && !Array.isArray(holder) && !/variants\//.test(path)) delete holder[key];
    else if (Array.isArray(value) && value.length > 0 && random.next() < 0.5) value.push(value[0]);
    else holder[key] = wrong[Math.floor(random.next() * wrong.length)];
    return rowsToJson({ ...copy, crc32: checksumOf(copy) });
  }

  test('are refused in a sentence, or mean the same', () => {
    const random = new Random(30);
    const counts = { refused: 0, same: 0 };
    const whats = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const damaged = i % 2 === 0 ? onTheWay(random) : byHand(random);
      const message = refusal(damaged, `damaged ${i}.json`);
      if (message === 'accepted') {
        expect(accept(damaged), `damaged ${i}`).toEqual(short);
        counts.same++;
        continue;
      }
      expect(message).toMatch(
        /^damaged \d+\.json (is not a result of this bench|cannot be in the table): .*\.$/s,
      );
      expect(message.length).toBeLessThan(600);
      expect(message).not.toMatch(/undefined|NaN|\[object/);
      whats.add(message.replace(/^damaged \d+/, '').replace(/[\d.]+/g, '0'));
      counts.refused++;
    }
    expect(counts).toEqual({ refused: 170, same: 30 });
    expect(whats.size).toBeGreaterThan(20);
  });
});

describe('npm run results', () => {
  const folder = mkdtempSync(join(tmpdir(), 'webgpu-diffusion-results-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const at = (...path: string[]) => join(folder, ...path);
  const git = (...args: string[]) => {
    const author = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
    return spawnSync('git', [...author, ...args], { cwd: folder, encoding: 'utf8' }).stdout.trim();
  };
  mkdirSync(at('docs'));
  const page = 'Before\n\n<!-- npm run results makes these lines -->\nold\n<!-- until here -->\n\nAfter\n';
  writeFileSync(at('docs/performance.md'), page);
  git('init');
  git('add', '.');
  git('commit', '-m', 'a');
  const own = { ...real, commit: git('rev-parse', 'HEAD') };
  const save = (name: string, result: object) => writeFileSync(at(name), toJson(result as BenchResult));
  const said: string[] = [];
  beforeEach(() => {
    said.length = 0;
    for (const name of ['log', 'error'] as const)
      vi.spyOn(console, name).mockImplementation((line) => void said.push(line));
  });
  afterEach(() => vi.restoreAllMocks());
  const run = (...args: string[]) => main(args, pathToFileURL(`${folder}/`));
  const kept = () => readdirSync(at('docs/results/gpu')).filter((name) => /-[0-9a-f]{8}\.json$/.test(name));

  test('without a result there is a table that says so', async () => {
    expect(await run()).toBe(0);
    expect(readFileSync(at('docs/performance.md'), 'utf8')).toBe(
      page.replace(
        '\nold\n',
        '\n\nNo GPU has been measured yet; a software adapter computes on the processor.\n\n',
      ),
    );
    expect(readFileSync(at('docs/results/gpu/table.json'), 'utf8')).toBe('[\n]\n');
  });

  test('adds a file, and makes the tables', async () => {
    save('bench.json', own);
    expect(await run('add', at('bench.json'))).toBe(0);
    expect(said[0]).toMatch(
      /^Added: llvmpipe: Mesa .* \(software\), Node v20\.20\.2, .*, tutorial, 64 images, commit \S{7}\. Wrote /,
    );
    const [file] = kept();
    const text = readFileSync(at('docs/results/gpu', file), 'utf8');
    expect(text.split('\n').length).toBeGreaterThan(real.rows.length);
    expect(rowsToJson(JSON.parse(text))).toBe(text);
    const { result } = parseResult(file, text);
    expect(acceptResult(file, text, new Date())).toEqual(result);
    const table = JSON.parse(readFileSync(at('docs/results/gpu/table.json'), 'utf8'));
    expect(table).toEqual([measuredOf(file, { ...result, commit: own.commit })]);
    expect(table[0]).toMatchObject({
      firstSeconds: 6.5,
      recipeSeconds: expect.closeTo((785 * 64.622) / 1000, 2),
    });
    const lines = readFileSync(at('docs/performance.md'), 'utf8');
    expect(lines).toContain(
      ' | 64.6 | 22.2 | 37.7 | 50.7 | 161 | 12.2 | 6.50 | tutorial, 64 images | 2026-11-25, ',
    );
    expect(lines).toMatch(/^Before\n[\s\S]*\nAfter\n$/);
    expect(readFileSync(at('docs/results/gpu/roofline.svg'), 'utf8')).toContain('class="mark"');
  });

  test('of two of the same the newer one stays', async () => {
    const [file] = kept();
    const table = at('docs/results/gpu/table.json');
    writeFileSync(table, 'as before');
    expect(await run('add', at('bench.json'))).toBe(1);
    expect(said.splice(0)).toEqual([
      expect.stringMatching(
        /: \S+\.json is already there, of 2026-11-25T\S+, and this one of 2026-11-25T\S+ is not newer\. Remove that file/,
      ),
    ]);
    // Nothing is made anew where nothing was taken.
    expect(readFileSync(table, 'utf8')).toBe('as before');
    save('newer.json', { ...own, date: '2026-11-26T00:00:00.000Z' });
    expect(await run('add', at('newer.json'))).toBe(0);
    expect(said.splice(0)[0]).toMatch(/^Replaced the result of 2026-11-25T/);
    expect(kept()).toEqual([file]);
    save('other.json', { ...own, runtime: 'Node v99' });
    expect(await run('add', at('other.json'))).toBe(0);
    expect(kept()).toHaveLength(2);
    rmSync(at('docs/results/gpu', kept().find((name) => name.includes('v99'))!));
    // Of another commit, however old, it takes nobody's place.
    git('commit', '--allow-empty', '-m', 'b');
    save('other.json', { ...own, commit: git('rev-parse', 'HEAD'), date: '2026-11-24T00:00:00.000Z' });
    expect(await run('add', at('other.json'))).toBe(0);
    expect(kept()).toHaveLength(2);
    rmSync(at('docs/results/gpu', kept().find((name) => name !== file)!));
    expect(await run()).toBe(0);
    expect(readFileSync(at('docs/performance.md'), 'utf8')).not.toContain('v99');
  });

  test('refuses what is no result of this history, and takes the others', async () => {
    save('unknown.json', { ...own, commit });
    writeFileSync(at('large.json'), ' '.repeat(MOST_BYTES + 1));
    const elsewhere = { ...own.adapter, description: '../../../x (software)', device: '' };
    save('elsewhere.json', { ...own, adapter: elsewhere });
    expect(
      await run('add', ...['unknown', 'large', 'none', 'elsewhere'].map((name) => at(`${name}.json`))),
    ).toBe(1);
    expect(said[0]).toMatch(
      /^unknown\.json .* its commit dba\w+ is not in this clone's history\. Get the whole history/,
    );
    expect(said[1]).toMatch(/large\.json has 2097153 bytes; a result has at most 2097152/);
    expect(said[2]).toMatch(/none\.json could not be read/);
    expect(said[3]).toMatch(
      /^Added: \.\.\/\.\.\/\.\.\/x .* Wrote x-software-\S+-tutorial-64-images-[0-9a-f]{8}\.json\.$/,
    );
    expect(readdirSync(folder).sort()).toEqual([
      '.git',
      'bench.json',
      'docs',
      'elsewhere.json',
      'large.json',
      'newer.json',
      'other.json',
      'unknown.json',
    ]);
  });

  test('takes the folder of the pack, whose check has passed', async () => {
    mkdirSync(at('pack'));
    save('pack/bench.json', { ...own, runtime: 'Node of the pack' });
    const summary = (passed: boolean, quick = false) => {
      const stages = ['check', 'bench'].map((name) => ({ name, passed: passed || name === 'bench' }));
      writeFileSync(at('pack/summary.json'), JSON.stringify({ quick, stages }));
    };
    for (const wrong of [
      () => writeFileSync(at('pack/summary.json'), '[{'),
      () => summary(false),
      () => summary(true, true),
    ]) {
      wrong();
      expect(await run('add', at('pack'))).toBe(1);
      expect(said.splice(0)[0]).toMatch(
        /its summary\.json does not say that check and bench passed\. Run the pack's run\.sh again/,
      );
    }
    summary(true);
    expect(await run('add', at('pack'))).toBe(0);
    expect(said[0]).toMatch(/^Added: .* Node of the pack, /);
  });

  test('says how it is called', async () => {
    expect(await run('--help')).toBe(0);
    expect(await run('add')).toBe(2);
    expect(await run('bench.json')).toBe(2);
    expect(said.every((text) => text.startsWith('npm run results [-- add FILE...]'))).toBe(true);
  });
});

test('the tables in docs are made of the results there', () => {
  const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
  const { table, svg, lines } = tablesOf(fileURLToPath(new URL('docs/results/gpu/', root)));
  expect(read('docs/results/gpu/table.json')).toBe(table);
  expect(read('docs/results/gpu/roofline.svg')).toBe(svg);
  expect(read('docs/performance.md')).toBe(withLines(read('docs/performance.md'), lines));
});

describe('ten adapters', () => {
  const all = ranked(tenAdapters);
  const table = measuredTable(all);

  test('are a row each, GPUs first, the fastest first, and software is named as such', () => {
    expect(table.lead).toEqual([]);
    expect(table.rows.map(([name]) => name.slice(0, 14))).toEqual([
      'Made-up One',
      'Made-up Two (0',
      '[a](javascript',
      'Made-up Seven',
      'Made-up Five',
      'not named',
      'Made-up Three',
      'Made-up Four',
      'Made-up Six',
      'Made-up softwa',
    ]);
    expect(table.rows[9][0]).toBe('Made-up software (software)');
    expect(table.rows.map(([, runtime]) => runtime)).toEqual([
      'Chrome 160, Windows',
      'Edge 160, Windows',
      'Node v24, webgpu 0.7',
      'Chrome 160, macOS',
      'Firefox 151, Linux',
      'Chrome 160, Windows',
      'Safari 26.0, iOS',
      'Chrome 161, Android',
      'Chrome 159, ChromeOS',
      'Chrome 160, Windows',
    ]);
    expect(table.rows[0].slice(2)).toEqual([
      ...['2.10', '0.700', '1.50', '1.97', '41,000', '1,800', '1.00'],
      ...['digits, 64 images', '2026-12-01, 0000000'],
    ]);
    for (const row of table.rows) expect(row).toHaveLength(table.head.length);
    expect(ranked(tenAdapters.slice(9))).toHaveLength(1);
    expect(measuredTable(tenAdapters.slice(9)).lead).toEqual([
      expect.stringMatching(/^No GPU has been measured yet/),
    ]);
    expect(runtimeText('a browser')).toBe('a browser');
  });

  test('are text in Markdown, whatever their names', () => {
    const [, , ...rows] = markdownGrid(table).split('\n');
    expect(rows).toHaveLength(10);
    expect(rows[2]).toContain(
      '| \\[a\\](javascript:b) \\<img src=x\\> \\| www\\.a.b http\\://a.b \\`c\\` \\_d\\_ | Node v24',
    );
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(table.head.length + 1);
    expect(linesOf(all)).toMatch(
      /^\| adapter \|[\s\S]*\n\nMedians of[\s\S]*\n\n!\[Roofline of all adapters\]\(results\/gpu\/roofline\.svg\)$/,
    );
  });

  test('have a mark each in one roofline', () => {
    const drawing = adaptersSvg(all.map(adapterOf))!;
    const marks = [
      ...drawing.matchAll(
        /<g class="point"><path class="mark" color="([^"]+)"[^>]*><title>([^<]+)<\/title><\/g>/g,
      ),
    ];
    expect(marks.map(([, , title]) => title.slice(0, 11))).toEqual(
      all.map((one) => adapterOf(one).name.slice(0, 11).replace('<', '&lt;')),
    );
    expect(new Set(marks.map(([, colour]) => colour)).size).toBe(10);
    expect(marks[9][2]).toBe(
      'Made-up software (software), Chrome 160, Windows, digits, 64 images: 31.7 GFLOP/s in a training step; peak 120 GFLOP/s, 9.00 GB/s',
    );
    expect(drawing.match(/class="own-roof"/g)).toHaveLength(10);
    expect(drawing).not.toMatch(/NaN|Infinity|undefined|<img/);
    expect(openTags(drawing)).toEqual([]);
    expect(openTags('<a><b/></a><c>')).toEqual(['c']);
    expect(adaptersSvg([])).toBeUndefined();
  });
});

/** The tags of an XML text that are not closed, or closed in another order. */
function openTags(xml: string): string[] {
  const open: string[] = [];
  for (const [, closing, name, , empty] of xml.matchAll(
    /<(\/?)([\w-]+)((?:\s[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
  )) {
    if (!closing && !empty) open.push(name);
    else if (closing && open.at(-1) === name) open.pop();
    else if (closing) open.push(`/${name}`);
  }
  return xml.replace(/<[^<>]*>/g, '').includes('<') ? [...open, '<'] : open;
}

test('a file is named after adapter, runtime and network, in letters and digits', () => {
  const odd = {
    ...real,
    commit,
    adapter: { ...real.adapter, description: '../\u00e9 "x"/\\..' },
    runtime: '..',
  };
  expect(fileOf(odd)).toMatch(/^x-software-tutorial-64-images-[0-9a-f]{8}\.json$/);
  expect(fileOf({ ...odd, date: '2020' })).toBe(fileOf(odd));
  expect(fileOf({ ...odd, batch: 4 })).not.toBe(fileOf(odd));
});
