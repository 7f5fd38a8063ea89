/** The page's worker as it opens, where what it waits for goes wrong: the page must say so, and wait no more. */
import { afterEach, expect, test, vi } from 'vitest';
import { initialSettings } from '../../../harness/page/messages/settings';
import { PageHost } from '../../../harness/page/worker/host';
import { type Engine, EngineError } from '../../../src';
import { TrainingSession } from '../../../src/worker/session';

vi.mock('../../../src/data/digits', () => {
  const never = () => new Promise(() => {});
  return { loadDigits: never, loadDigitLabels: never };
});

afterEach(() => {
  vi.useRealTimers();
});

/** What the page hears after its first call, until nothing is done any more or is waited for. */
function opened(createEngine: () => Promise<Engine>) {
  const heard: Record<string, unknown>[] = [];
  const tell = (type: string, value: object) => void heard.push({ type, ...value });
  const resting = new Promise<void>((resolve) => {
    const host = { hooks: {}, tell, createEngine, freeUses() {}, failed: resolve, rest: resolve };
    const page = new PageHost(new TrainingSession(host, { store: false }), tell);
    page.calls.open({ settings: initialSettings, visible: true, losses: [], digits: true });
  });
  const phase = () => heard.findLast(({ type }) => type === 'phase')?.phase;
  return { heard, resting, phase };
}

test('a device that is lost while the engine is made is reported', async () => {
  const { heard, resting, phase } = opened(() =>
    Promise.reject(new EngineError('device-lost', 'It is gone.')),
  );
  await resting;
  expect(heard).toContainEqual({ type: 'error', at: 'start', code: 'device-lost', message: 'It is gone.' });
  expect(phase()).toBe('failed');
});

test('digits that never load are reported after a minute; the page rests and works without them', async () => {
  vi.useFakeTimers();
  const engine = { adapter: { software: true }, gpu: { lost: new Promise(() => {}) } };
  const { heard, resting, phase } = opened(async () => engine as unknown as Engine);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(phase()).toBe('loading');
  await vi.advanceTimersByTimeAsync(2000);
  await resting;
  expect(heard).toContainEqual({
    ...{ type: 'error', at: 'data', code: 'data' },
    message: expect.stringMatching(/^The digits have not come for 60 seconds\./),
  });
  expect(phase()).toBe('idle');
});
