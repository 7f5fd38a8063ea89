/** When finished images are enlarged, and what is shown until then. */
import { expect, test, vi } from 'vitest';
import type { DataDescription, Patch } from '../../../harness/page/messages/messages';
import { initialFor } from '../../../harness/page/messages/settings';
import { Enlargements } from '../../../harness/page/shell/enlargements';
import { initialState, reduce } from '../../../harness/page/shell/state';

const size = { height: 2, width: 2, channels: 3 };
const tiles = (value: number) => ({ bytes: new Uint8Array(24).fill(value), ...size, columns: 2 });
const large = new Uint8Array(96).fill(9);
const enlarged = { bytes: large, height: 4, width: 4, channels: 3, columns: 2, enlarged: true };

/** A page at rest whose run is of small pictures in colour, which were larger; its worker answers when told to. */
function atRest(data: Partial<DataDescription> = {}) {
  const asked: {
    bytes: Uint8Array;
    signal: AbortSignal;
    answer(made: Uint8Array): void;
    fail(error: Error): void;
  }[] = [];
  const notify = vi.fn();
  const page = {
    state: initialState,
    settings: initialFor('pictures'),
    measuring: undefined as string | undefined,
    notify,
    ask: (_: 'enlarge', { bytes }: { bytes: Uint8Array }, signal: AbortSignal) =>
      new Promise<Uint8Array>((answer, fail) => asked.push({ bytes, signal, answer, fail })),
  };
  const tell = (patch: Patch) => {
    page.state = reduce(page.state, { type: 'patch', patch });
  };
  const told = { name: 'mine', builtIn: false, count: 9, ...size, shrunk: true, ...data };
  tell({ data: told, phase: 'idle' });
  const enlargements = new Enlargements(page);
  /** What stands in place of images of the run. */
  const shown = (one: ReturnType<typeof tiles>) => enlargements.of(one, 'run');
  return { page, tell, asked, notify, enlargements, shown };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

test('images are asked for once, one set after the other, and stand enlarged from then on', async () => {
  const { asked, enlargements, shown } = atRest();
  const first = tiles(1);
  const second = tiles(2);
  expect([first, second, first, second].map(shown)).toEqual(Array(4).fill(undefined));
  expect(asked.map(({ bytes }) => bytes)).toEqual([first.bytes]);
  expect(enlargements.busy).toBe(true);
  asked[0].answer(large);
  await settled();
  expect(shown(first)).toEqual(enlarged);
  expect(enlargements.busy).toBe(false);
  expect(shown(second)).toBeUndefined();
  expect(asked.map(({ bytes }) => bytes)).toEqual([first.bytes, second.bytes]);
});

test('nothing is asked while a run trains, images are made or something is measured, nor of a lost device', () => {
  const { page, tell, asked, shown } = atRest();
  const one = tiles(1);
  for (const patch of [
    { phase: 'training', training: true },
    { phase: 'idle', training: true },
    { phase: 'sampling', training: false },
    { phase: 'lost' },
  ] as const) {
    tell(patch);
    expect(shown(one)).toBeUndefined();
    expect(asked).toEqual([]);
  }
  tell({ phase: 'paused' });
  page.measuring = 'bench';
  expect([shown(one), asked]).toEqual([undefined, []]);
  page.measuring = undefined;
  shown(one);
  expect(asked).toHaveLength(1);
});

test('what is dropped is ended, and asked for again where it is still shown', async () => {
  const { asked, notify, enlargements, shown } = atRest();
  const one = tiles(1);
  shown(one);
  enlargements.drop();
  expect(asked[0].signal.aborted).toBe(true);
  expect(enlargements.busy).toBe(false);
  expect(shown(one)).toBeUndefined();
  asked[0].fail(asked[0].signal.reason);
  await settled();
  expect(asked).toHaveLength(2);
  expect(enlargements.busy).toBe(true);
  expect(shown(one)).toBeUndefined();
  asked[1].answer(large);
  await settled();
  expect(shown(one)).toEqual(enlarged);
  expect(notify.mock.calls).toEqual([]);
});

test('images that cannot be enlarged stay as they are, which is said once', async () => {
  const { asked, notify, shown } = atRest();
  const one = tiles(1);
  shown(one);
  asked[0].fail(new Error('It is wrong.'));
  await settled();
  expect(shown(one)).toEqual(one);
  expect(asked).toHaveLength(1);
  expect(notify.mock.calls).toEqual([['The images stay as the network made them. It is wrong.']]);
});

const model = { name: 'a', classes: 0, sampling: { method: 'adams', steps: 8 }, recipe: 'pictures' } as const;
test.each([
  ['pictures that were larger', {}, 'auto', 'run', true],
  ['pictures that kept their size', { shrunk: false }, 'auto', 'run', false],
  ['those by choice', { shrunk: false }, 'smooth', 'run', true],
  ['no others by choice', {}, 'pixels', 'run', false],
  ['a file’s images', { shrunk: false }, 'auto', 'file', true],
  ['no grey ones', { channels: 1 }, 'smooth', 'run', false],
  ['none of 36 pixels', { width: 36 }, 'smooth', 'run', false],
] as const)('enlarges %s: %j, %s, %s', (_, data, enlarge, source, isEnlarged) => {
  const { page, tell, enlargements } = atRest(data);
  tell({ model: { ...model, ...size } });
  page.settings = { ...page.settings, enlarge };
  const { height, width, channels } = page.state.data!;
  const own = { bytes: new Uint8Array(height * width * channels), height, width, channels, columns: 1 };
  expect(enlargements.of(own, source)).toBe(isEnlarged ? undefined : own);
});
