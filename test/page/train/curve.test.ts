/** The loss curve, without its library and without a browser. */
import { afterEach, expect, test, vi } from 'vitest';
import { Curve } from '../../../harness/page/train/curve';
import { until } from '../../lib/until';

let tries = 0;
const made = vi.fn();
vi.mock('uplot', () => {
  if (++tries === 1) throw new Error('No network for a test');
  return {
    default: class {
      ctx = { canvas: { addEventListener() {} } };
      constructor() {
        made();
      }
      setData() {}
      destroy() {}
    },
  };
});

afterEach(() => vi.unstubAllGlobals());

test('the loss curve tries again to load its library with the next loss, where that has failed', async () => {
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {}
    },
  );
  vi.stubGlobal('matchMedia', () => ({ addEventListener() {} }));
  vi.stubGlobal('document', {});
  vi.stubGlobal('getComputedStyle', () => ({ getPropertyValue: () => '#000000' }));
  const host = {} as HTMLElement;
  const curve = new Curve(host, { at: host, each: host, smoothed: host, held: host });
  const curves = {
    heldOut: [],
    rates: [],
    overlays: [],
    batch: 1,
    stepsPerEpoch: 9,
    recipe: 'digits',
  } as const;
  const losses: number[] = [];
  await until(() => {
    losses.push(1);
    curve.set({ ...curves, losses: [...losses] });
    return made.mock.calls.length === 1;
  });
  expect(tries).toBe(2);
});
