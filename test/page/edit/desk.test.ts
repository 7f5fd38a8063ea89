/** What becomes of saved shaders, and of a press on Edit, where the worker or the network fails. No browser. */
import { files } from 'virtual:shader-sources';
import { afterEach, expect, test, vi } from 'vitest';
import { ShaderDesk } from '../../../harness/page/edit/desk';
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
