/** What becomes of saved shaders, and of a press on Edit, where the worker or the network fails. No browser. */
import { files } from 'virtual:shader-sources';
import { afterEach, expect, test, vi } from 'vitest';
import { ShaderDesk } from '../../../harness/page/edit/desk';
import { lateDesk } from '../../../harness/page/edit/late_desk';
import type { TrialOrder } from '../../../harness/page/edit/trial_messages';
import type { App } from '../../../harness/page/shell/app';
import { standIns } from '../../lib/page/stand_ins';
import { until } from '../../lib/until';

afterEach(() => vi.unstubAllGlobals());

test('a saved shader is tried although the device was lost before the answer to an earlier one came', async () => {
  standIns('?task=train');
  const tried: TrialOrder[] = [];
  class IdleWorker {
    postMessage(order: TrialOrder) {
      tried.push(order);
    }
    terminate() {}
  }
  vi.stubGlobal('Worker', IdleWorker);
  const answers: ((answer: object) => void)[] = [];
  const ask = () => new Promise((resolve) => answers.push(resolve));
  const desk = new ShaderDesk({ ask, changed() {}, notices: [] } as unknown as App);
  const [file] = Object.keys(files);
  // The worker forgets what it was asked.
  desk.save({ file, text: 'lost' });
  desk.save({ file, text: 'newest' });
  expect(answers).toHaveLength(2);
  answers[1]({ kind: 'listed', ops: [], step: {} });
  await until(() => tried.length > 0);
  expect(tried.map(({ texts }) => texts)).toEqual([{ [file]: 'newest' }]);
  // One that comes late after all.
  answers[0]({ kind: 'listed', ops: [], step: {} });
  desk.save({ file, text: 'last' });
  await until(() => tried.length > 1);
  expect(tried[1].texts).toEqual({ [file]: 'last' });
});

test('a shader stands where it stood if its editor does not load, and the next press loads it again', async () => {
  const open = vi.fn();
  let tries = 0;
  vi.doMock('../../../harness/page/edit/desk', () => {
    if (++tries === 1) throw new Error('No network for a test');
    return {
      ShaderDesk: class {
        open = open;
      },
    };
  });
  const [complain, closed] = [vi.fn(), vi.fn()];
  const desk = lateDesk({ complain } as unknown as App);
  const press = () => desk.open({} as HTMLElement, 'swish', 0, {} as never, closed);
  press();
  await until(() => closed.mock.calls.length === 1);
  expect(complain.mock.calls).toEqual([
    [expect.stringMatching(/^The editor of shaders could not be loaded/)],
  ]);
  press();
  await until(() => open.mock.calls.length === 1);
  expect(closed).toHaveBeenCalledOnce();
});
