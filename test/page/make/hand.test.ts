/** What follows the hand on the Make view: the noise between four noises, and which images are made when. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
// @ts-expect-error An example is no module of TypeScript's.
import { between } from '../../../examples/morph/field.js';
import { Hand, MAP_SIDE } from '../../../harness/page/make/hand';
import { movedBy } from '../../../harness/page/make/noise_hand';
import { Stage } from '../../../harness/page/make/stage';
import type { Order } from '../../../harness/page/messages/messages';
import { imagesAt, makeFieldNoise, type Placed, sharesAt } from '../../../harness/page/messages/noise_field';
import { initialState } from '../../../harness/page/shell/state';
import { gaussianNoise } from '../../../harness/pictures/noise';

const SIZE = 784;

describe('the noise between four noises', () => {
  test('has the variance of a corner', () => {
    const shares = sharesAt({ across: 12.3, down: 98.7 });
    expect(shares.reduce((sum, share) => sum + share * share, 0)).toBeCloseTo(1, 12);
  });

  const LAST = 2 ** 32 - 1;
  test.each([
    [7, 0, 0, 7],
    [7, 0, 100, 9],
    [7, 100, 100, 10],
    [LAST, 100, 0, 0],
  ])('of seed %i at %i, %i equals the noise of seed %i, to the bit', (seed, across, down, corner) => {
    expect(makeFieldNoise(seed, imagesAt({ across, down }, 3), SIZE)).toEqual(gaussianNoise(corner, 3, SIZE));
  });

  test('is made for each image at its own place', () => {
    const images: Placed[] = [
      { image: 4, place: { across: 30, down: 60 } },
      { image: 1, place: { across: 0, down: 0 } },
    ];
    const noise = makeFieldNoise(9, images, SIZE);
    const alone = makeFieldNoise(9, imagesAt(images[0].place, 5), SIZE);
    expect(noise.subarray(0, SIZE)).toEqual(alone.subarray(4 * SIZE));
    expect(noise.subarray(SIZE)).toEqual(gaussianNoise(9, 2, SIZE).subarray(SIZE));
  });
});

test('examples/morph mixes noises as the page does', () => {
  const noises = [3, 4, 5, 6].map((seed) => gaussianNoise(seed, 1, 64));
  const page = makeFieldNoise(3, imagesAt({ across: 30, down: 80 }, 1), 64);
  expect([...between(noises, 0.3, 0.8)]).toEqual([...page].map((value) => expect.closeTo(value, 6)));
});

test.each([
  ['ArrowRight', false, { across: 52, down: 1 }],
  ['ArrowLeft', true, { across: 40, down: 1 }],
  ['ArrowUp', false, { across: 50, down: 0 }],
  ['PageDown', true, { across: 50, down: 11 }],
  ['End', false, { across: 100, down: 1 }],
  ['Tab', false, undefined],
])(
  'the key %s, with Shift: %o, moves the handle of the noise field to %j, never out of the field',
  (key, shift, to) => {
    expect(movedBy({ across: 50, down: 1 }, key, shift)).toEqual(to);
  },
);

describe('pictures that follow the hand', () => {
  const order: Order = {
    source: 'instant',
    method: 'euler',
    steps: 2,
    guidance: 1,
    count: 10,
    seed: 1,
    place: { across: 0, down: 0 },
    digit: 'all',
    text: '',
  };
  const at = (across: number): Order => ({ ...order, place: { across, down: 0 } });
  type Asked = {
    order: Order;
    images: readonly Placed[];
    resolve(images: Uint8Array): void;
    reject(error: Error): void;
  };
  let sent: Asked[];
  let app: { measuring?: string; [key: string]: unknown };
  let stage: Stage;
  let hand: Hand;
  /** Timers stand still meanwhile. */
  const turn = () => vi.advanceTimersByTimeAsync(0);
  /** The images that were asked for, by their numbers. */
  const images = (asked: Asked | undefined) => asked?.images.map(({ image }) => image);
  /** Answers what was asked last: each image is of its place alone. */
  const answer = async (asked = sent[sent.length - 1]) => {
    asked.resolve(Uint8Array.from(asked.images.flatMap(({ place }) => [place.across, 100 + place.down])));
    await turn();
  };
  const follow = async (order: Order) => {
    void stage.show(async function* () {
      for await (const step of hand.follow(order, stage.columns[''].shown)) yield { step, column: '' };
    });
    await turn();
  };
  const look = async (order: Order) => {
    void stage.show(async function* () {
      for await (const map of hand.look(order, () => true)) yield { map };
    });
    await turn();
  };
  const shown = () => [...stage.columns[''].shown!.prediction].filter((_, i) => i % 2 === 0);
  const text = () => stage.columns[''].shown!.order.text;
  const typed = (text: string): Order => ({
    ...order,
    text,
    labels: [...text].map(Number),
    count: text.length,
  });

  beforeEach(() => {
    vi.useFakeTimers();
    sent = [];
    app = {
      network: { recipe: 'digits', classes: 10, height: 1, width: 2, channels: 1 },
      state: { ...initialState, adapter: { software: true } },
      ask: (_: string, asked: Pick<Asked, 'order' | 'images'>) =>
        new Promise((resolve, reject) => sent.push({ ...asked, resolve, reject })),
    };
    stage = new Stage(() => {});
    hand = new Hand(app as never, stage);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('are asked for one answer at a time, and the newest place wins', async () => {
    for (const place of [1, 2, 3]) await follow(at(place));
    expect(sent.map(images)).toEqual([[9, 1, 2, 3]]);
    await answer();
    // They are newer than paper.
    expect(shown().filter((place) => place === 1)).toHaveLength(4);
    // Of the second place nothing was ever asked.
    expect(sent[1].order.place.across).toBe(3);
    expect(images(sent[1])).toEqual([9, 4, 5, 6]);
    await answer();
    expect(images(sent[2])).toEqual([7, 8, 0, 1, 2, 3]);
    await answer();
    expect({ sentCount: sent.length, shown: shown() }).toEqual({ sentCount: 3, shown: Array(10).fill(3) });
  });

  test('are not made again for digits that stay while others are typed, or places that the hand returns to', async () => {
    await follow(typed('20'));
    await answer();
    await follow(typed('202'));
    expect(images(sent[1])).toEqual([2]);
    await answer();
    await follow({ ...typed('212'), place: { across: 7, down: 0 } });
    // Until the first of the others are there.
    expect(images(sent[2])).toEqual([2, 0, 1]);
    expect(text()).toBe('202');
    await answer();
    expect({ text: text(), shown: shown() }).toEqual({ text: '212', shown: [7, 7, 7] });
    await follow(typed('212'));
    expect(images(sent[3])).toEqual([1]);
    await answer();
    await follow(typed('202'));
    expect({ sentCount: sent.length, text: text(), shown: shown() }).toEqual({
      sentCount: 4,
      text: '202',
      shown: [0, 0, 0],
    });
  });

  test('are forgotten beyond a thousand images, the oldest first', async () => {
    const goTo = async (place: number) => {
      const before = sent.length;
      await follow(at(place));
      for (let i = 0; i < 3 && sent.length > before; i++) await answer();
      return sent.length > before;
    };
    for (let i = 0; i <= 100; i++) expect(await goTo(i), `${i}`).toBe(true);
    expect([await goTo(100), await goTo(1), await goTo(0)]).toEqual([false, false, true]);
  });

  test('report a problem once, and are asked for again at a new place', async () => {
    await follow(at(1));
    sent[0].reject(new Error('no'));
    await turn();
    expect({ problem: stage.problem, sentCount: sent.length }).toEqual({ problem: 'no', sentCount: 1 });
    await follow(at(2));
    expect({ problem: stage.problem, sentCount: sent.length }).toEqual({ problem: undefined, sentCount: 2 });
    stage.clear();
    sent[1].reject(new Error('of what is not shown any more'));
    await turn();
    expect(stage.problem).toBeUndefined();
  });

  test('are made again where another network answers from now on', async () => {
    await follow(typed('2'));
    hand.forget();
    sent[0].reject(new Error('aborted'));
    await turn();
    expect({ sentCount: sent.length, problem: stage.problem }).toEqual({ sentCount: 2, problem: undefined });
    hand.forget();
    // The answer of the network before.
    await answer();
    expect(sent).toHaveLength(3);
    await answer();
    await follow(typed('2'));
    expect(sent).toHaveLength(3);
    hand.forget();
    await follow(typed('2'));
    expect(sent).toHaveLength(4);
  });

  test('fill the map with the digit under the hand all over the field, from corner to corner', async () => {
    await look(at(40));
    for (let i = 0; i < Math.ceil(MAP_SIDE ** 2 / 4); i++) await answer();
    expect(new Set(sent.flatMap(images))).toEqual(new Set([9]));
    const { bytes, columns } = stage.map!;
    expect({ columns, bytesCount: bytes.length }).toEqual({
      columns: MAP_SIDE,
      bytesCount: 2 * MAP_SIDE ** 2,
    });
    const places = Array.from({ length: MAP_SIDE ** 2 }, (_, i) => [bytes[2 * i], bytes[2 * i + 1] - 100]);
    expect(places[0]).toEqual([0, 0]);
    expect(places[MAP_SIDE - 1]).toEqual([100, 0]);
    expect(places[MAP_SIDE]).toEqual([0, 25]);
    expect(places.at(-1)).toEqual([100, 100]);
    // A measurement has the GPU for itself.
    const { length } = sent;
    app.measuring = 'bench';
    await look({ ...at(60), seed: 2 });
    expect(sent).toHaveLength(length);
    app.measuring = undefined;
    stage.render();
    await turn();
    expect(sent).toHaveLength(length + 1);
  });
});
