/** The canvas on which every view shows images. No browser. */
import { afterEach, expect, test, vi } from 'vitest';
import { ImageView } from '../../../harness/page/shell/images';
import { StandIn, standIns } from '../../lib/page/stand_ins';

afterEach(() => vi.unstubAllGlobals());

test.each([
  ['colours, which CSS leaves as they are', 3, [200, 30, 40], [200, 30, 40, 255]],
  ['grey ink, dark on white', 1, [200], [55, 55, 55, 255]],
])('shows %s', (_, channels, pixel, shown) => {
  standIns('');
  let drawn: ArrayLike<number> = [];
  vi.stubGlobal(
    'ImageData',
    class {
      constructor(data: ArrayLike<number>) {
        drawn = data;
      }
    },
  );
  const toggle = vi.fn();
  const canvas = Object.assign(new StandIn(), { classList: { toggle } });
  const view = new ImageView(canvas as unknown as HTMLCanvasElement);
  view.show({ bytes: Uint8Array.from(pixel), height: 1, width: 1, channels, columns: 1 });
  expect([...Array.from(drawn)]).toEqual(shown);
  expect(toggle.mock.calls).toEqual([['coloured', channels === 3]]);
});
