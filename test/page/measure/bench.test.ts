/** What the Bench view shows of the page's own run and of files that are opened beside it. No browser, no GPU. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { toJson } from '../../../harness/bench/export';
import { addEvent, type BenchEvent, type BenchResult, SCHEMA } from '../../../harness/bench/result';
import { BenchFiles } from '../../../harness/page/measure/bench_files';
import { BenchView } from '../../../harness/page/measure/bench_view';
import type { App } from '../../../harness/page/shell/app';
import { StandIn, standIns } from '../stand_ins';

let element: (id: string) => StandIn;
let made: StandIn[];

beforeEach(() => {
  element = standIns('?task=bench');
  made = [];
  const createElement = () => made[made.push(new StandIn()) - 1];
  Object.assign(document, { createElement, adoptedStyleSheets: [] });
  vi.stubGlobal(
    'CSSStyleSheet',
    class {
      replaceSync() {}
    },
  );
});
afterEach(() => vi.unstubAllGlobals());

const adapter = { vendor: 'mesa', architecture: '', device: '', description: 'llvmpipe', software: true };
const peak = { gflops: 100, gbps: 10, copies: [{ bytes: 2 ** 20, gbps: 40 }] };
const timer = { kind: 'wall clock', resolutionMs: 0.1 } as const;
/** A run that has begun. */
const begun = addEvent(undefined, {
  kind: 'head',
  head: {
    ...{ schema: SCHEMA, adapter, runtime: 'a test', date: '2026-01-02T03:04:05.000Z', batch: 4 },
    ...{ budgetSeconds: 60, timer, peak },
  },
})!;
/** The same with one more kernel. */
function grown(result: BenchResult): BenchResult {
  const none = { ms: null, gflops: null, insideGflops: null, gbps: null, shareOfPeak: null };
  const check = { pass: false, share: 7, failure: 'It is wrong' };
  const row: BenchEvent = {
    kind: 'row',
    row: { kernel: 'mse', variant: 'plain', layer: `down.${result.rows.length}`, batch: 4, ...none, check },
  };
  return addEvent(result, row)!;
}

test('rows stay as a run grows, and are drawn anew for its file of before', () => {
  const drawn = vi.fn();
  const view = new BenchView(() => {});
  const earlier = grown(begun);
  view.draw(earlier, false);
  element('bench-rows').replaceChildren = drawn;
  const now = grown(earlier);
  view.draw(now, false);
  expect(drawn).not.toHaveBeenCalled();
  view.draw(JSON.parse(toJson(earlier)), true);
  expect(drawn).toHaveBeenCalled();
  // A new run has no result at first.
  view.draw(begun, false);
  view.draw(undefined, false);
});

test('an opened file is compared with what the page’s run has by then, also where that has begun since', async () => {
  let own: BenchResult | undefined;
  const files = new BenchFiles({ changed() {} } as App, () => own);
  const step = {
    ...{ batch: 4, imagesPerSecond: 1, gflops: 1, insideGflops: 1 },
    timer: 'wall clock',
  } as const;
  const timed: BenchEvent = {
    ...{ kind: 'total', name: 'step' },
    total: { ...step, ms: { median: 2, p10: 1, p90: 3, n: 5 }, variants: {} },
  };
  await files.open([new File([toJson(addEvent(begun, timed)!)], 'bench.json')]);
  files.render();
  const compare = made.find(({ textContent }) => textContent === 'Compare with this page’s run')!;
  expect(compare.hidden).toBe(true);
  own = begun;
  files.render();
  expect(compare.hidden).toBe(false);
  own = addEvent(own, timed);
  compare.click();
  expect(files.comparison!.rows).toHaveLength(1);
});
