/** What ends the wait for the first digits on the welcome. No browser. */
import { afterEach, expect, test, vi } from 'vitest';
import type { WorkerEvent } from '../../../harness/page/messages/messages';
import type { App } from '../../../harness/page/shell/app';
import { initialState } from '../../../harness/page/shell/state';
import { createHome } from '../../../harness/page/welcome/home';
import { lost, standIns } from '../stand_ins';

afterEach(() => vi.unstubAllGlobals());

const failed = { type: 'error', code: 'unexpected', message: 'It failed' } as const;

test.each<[string, WorkerEvent, string | undefined]>([
  ['a lost device', lost, 'sample'],
  ['a failed task', { ...failed, at: 'task' }, 'sample'],
  ['no GPU', { ...failed, at: 'start' }, undefined],
])(
  'Make can be pressed again after %s, and the view that says so opens, if there is one',
  (_, event, task) => {
    const element = standIns('');
    const set = vi.fn();
    const app = { home: true, state: initialState, begin() {}, startWhenReady() {}, set } as unknown as App;
    const home = createHome(app);
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
