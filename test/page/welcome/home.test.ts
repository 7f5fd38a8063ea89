/** What ends the wait for the first digits on the welcome. No browser. */
import { afterEach, expect, test, vi } from 'vitest';
import type { WorkerEvent } from '../../../harness/page/messages/messages';
import { initialSettings } from '../../../harness/page/messages/settings';
import type { App } from '../../../harness/page/shell/app';
import { initialState } from '../../../harness/page/shell/state';
import { createHome } from '../../../harness/page/welcome/home';
import { lost, standIns } from '../../lib/page/stand_ins';

afterEach(() => vi.unstubAllGlobals());

/** The welcome, and what it sets, where this noise is chosen. */
function opened(noise: number) {
  const set = vi.fn();
  const settings = { ...initialSettings, noise };
  const given = { home: true, state: initialState, settings, begin() {}, startWhenReady() {}, set };
  return { set, home: createHome(given as unknown as App) };
}

test.each([
  [initialSettings.noise, [['noise', '145']]],
  [7, []],
])(
  'the first digits come from a noise of which all are good, unless another is chosen',
  (noise, expected) => {
    const element = standIns('');
    const { set } = opened(noise);
    element('make-now').click();
    expect(set.mock.calls).toEqual(expected);
  },
);

const failed = { type: 'problem', code: 'unexpected', message: 'It failed' } as const;

test.each<[string, WorkerEvent, string | undefined]>([
  ['a lost device', lost, 'sample'],
  ['a failed task', { ...failed, at: 'task' }, 'sample'],
  ['no GPU', { ...failed, at: 'start' }, undefined],
])(
  'Make can be pressed again after %s, and the view that says so opens, if there is one',
  (_, event, task) => {
    const element = standIns('');
    const { set, home } = opened(7);
    const make = element('make-now');
    make.click();
    home.render();
    expect(make.disabled).toBe(true);
    home.receive!(event);
    home.render();
    expect(make.disabled).toBe(false);
    expect(set.mock.calls).toEqual(task ? [['task', task]] : []);
  },
);
