/** Ten adapters that do not exist, for the table and the roofline of all. No number is measured. */
import type { MeasuredAdapter } from '../../harness/bench/measured';

const windows = 'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/160.0.0.0 Safari/537.36';
const marks = '[a](javascript:b) <img src=x> | www.a.b http://a.b `c` _d_';

/** Architecture, description, runtime, step ms, GFLOP/s and GB/s of the peaks. */
const made = [
  ['one', '', windows, 2.1, 41_000, 1800],
  ['two', 'Made-up Two (0x0002) Direct3D11', `${windows} Edg/160.0.0.0`, 3.5, 22_000, 900],
  ['three', '', 'Mozilla/5.0 (iPhone; like Mac OS X) Version/26.0 Mobile/15E148 Safari/604.1', 41, 1400, 60],
  ['four', '', 'Mozilla/5.0 (Linux; Android 10; K) Chrome/161.0.0.0 Safari/537.36', 66, 900, 35],
  ['five', '', 'Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0', 12, 5000, 240],
  ['six', '', 'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/159.0.0.0 Safari/537.36', 88, 400, 30],
  ['seven', '', 'Mozilla/5.0 (Macintosh; Mac OS X 10_15_7) Chrome/160.0.0.0 Safari/537.36', 9, 9000, 390],
  ['', '', windows, 30, 2000, 100],
  ['nine', marks, 'Node v24, webgpu 0.7', 5, 16_000, 700],
  ['ten', 'Made-up software', windows, 300, 120, 9],
] as const;

export const tenAdapters: readonly MeasuredAdapter[] = made.map(
  ([architecture, description, runtime, step, gflops, gbps], i) => ({
    adapter: { vendor: architecture && 'made-up', architecture, device: '', description, software: i === 9 },
    ...{ runtime, date: `2026-12-0${(i % 9) + 1}T00:00:00.000Z`, commit: String(i).repeat(40) },
    ...{ network: { recipe: 'digits' }, batch: 64, firstMs: i === 4 ? null : 1000 * (i + 1) },
    ...{ ms: { step, forward: step / 3, sample: i === 3 ? null : step / 1.4 }, peak: { gflops, gbps } },
  }),
);
