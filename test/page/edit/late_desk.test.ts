/** A press on Edit where the editor cannot be loaded. No browser. */
import { expect, test, vi } from 'vitest';
import { lateDesk } from '../../../harness/page/edit/late_desk';
import type { App } from '../../../harness/page/shell/app';

let tries = 0;
const open = vi.fn();
vi.mock('../../../harness/page/edit/desk', () => {
  if (++tries === 1) throw new Error('No network for a test');
  return {
    ShaderDesk: class {
      open = open;
    },
  };
});

test('a shader stands where it stood if its editor does not load, and the next press loads it again', async () => {
  const [complain, closed] = [vi.fn(), vi.fn()];
  const desk = lateDesk({ complain } as unknown as App);
  const press = () => desk.open({} as HTMLElement, 'swish', 0, {} as never, closed);
  press();
  await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce());
  expect(complain.mock.calls).toEqual([
    [expect.stringMatching(/^The editor of shaders could not be loaded/)],
  ]);
  press();
  await vi.waitFor(() => expect(open).toHaveBeenCalledOnce());
  expect(closed).toHaveBeenCalledOnce();
});
