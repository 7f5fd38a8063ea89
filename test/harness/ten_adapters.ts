/** Ten adapters that do not exist, for the table and the roofline of all. No number is measured. */
import type { Measured } from '../../harness/bench/measured';

const chrome = (version: number, system: string) =>
  `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;
const windows = 'Windows NT 10.0; Win64; x64';
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1';

/** Vendor, architecture, description, runtime, step ms, GFLOP/s and GB/s of the peaks. */
const made = [
  ['made-up', 'one', '', chrome(160, windows), 2.1, 41_000, 1800],
  [
    'made-up',
    'two',
    'Made-up Two (0x0002) Direct3D11',
    `${chrome(160, windows)} Edg/160.0.0.0`,
    3.5,
    22_000,
    900,
  ],
  ['made-up', 'three', '', safari, 41, 1400, 60],
  ['made-up', 'four', '', chrome(161, 'Linux; Android 10; K'), 66, 900, 35],
  [
    'made-up',
    'five',
    '',
    'Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0',
    12,
    5000,
    240,
  ],
  ['made-up', 'six', '', chrome(159, 'X11; CrOS x86_64 14541.0.0'), 88, 400, 30],
  ['made-up', 'seven', '', chrome(160, 'Macintosh; Intel Mac OS X 10_15_7'), 9, 9000, 390],
  ['', '', '', chrome(160, windows), 30, 2000, 100],
  [
    'made-up',
    'nine',
    '[a](javascript:b) <img src=x> | www.a.b http://a.b `c` _d_',
    'Node v24, webgpu 0.7',
    5,
    16_000,
    700,
  ],
  ['made-up', 'ten', 'Made-up software', chrome(160, windows), 300, 120, 9],
] as const;

export const tenAdapters: readonly Measured[] = made.map(
  ([vendor, architecture, description, runtime, step, gflops, gbps], i) => ({
    file: `made-up-${i}.json`,
    adapter: { vendor, architecture, device: '', description, software: i === 9 },
    runtime,
    date: `2026-12-0${(i % 9) + 1}T00:00:00.000Z`,
    commit: String(i).repeat(40),
    network: { recipe: 'digits' },
    batch: 64,
    ms: { step, forward: step / 3, sample: i === 3 ? null : step / 1.4 },
    recipeSeconds: (936 * step) / 1000,
    firstSeconds: i === 4 ? null : 1 + i / 3,
    peak: { gflops, gbps },
    gflops: 9500 / step,
    intensity: 125,
  }),
);
