/** What follows the hand on the Make view: the noise between four noises, which images are made when, and with how many network calls. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
// @ts-expect-error An example is no module of TypeScript's.
import { between } from '../../../examples/morph/field.js';
import { callsIn, choiceOf, handMaking, makingOf, settingsFor } from '../../../harness/page/make/calls';
import { Hand, MAP_SIDE } from '../../../harness/page/make/hand';
import { movedBy } from '../../../harness/page/make/noise_hand';
import { Stage } from '../../../harness/page/make/stage';
import type { Order } from '../../../harness/page/messages/messages';
import { imagesAt, noiseOf, type Placed, sharesAt } from '../../../harness/page/messages/noise_field';
import { INSTANT } from '../../../harness/page/messages/pretrained';
import { initialOf, initialSettings, type Settings } from '../../../harness/page/messages/settings';
import { initialState } from '../../../harness/page/shell/state';
import { gaussianNoise } from '../../../harness/pictures/noise';
import { loadPretrained } from '../../../src/pretrained';
import { recipes } from '../../../src/recipes';

const SIZE = 784;
const varianceOf = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0) / values.length;

describe('the noise between four noises', () => {
  test.each([
    { across: 50, down: 0 },
    { across: 12.3, down: 98.7 },
  ])('has the variance of a corner at %j', (place) => {
    expect(sharesAt(place).reduce((sum, share) => sum + share * share, 0)).toBeCloseTo(1, 12);
    expect(Math.abs(varianceOf(noiseOf(5, imagesAt(place, 16), SIZE)) - 1)).toBeLessThan(0.05);
  });

  const LAST = 2 ** 32 - 1;
  test.each([
    [7, 0, 0, 7],
    [7, 0, 100, 9],
    [7, 100, 100, 10],
    [LAST, 100, 0, 0],
  ])('of seed %i at %i, %i equals the noise of seed %i, to the bit', (seed, across, down, corner) => {
    expect(noiseOf(seed, imagesAt({ across, down }, 3), SIZE)).toEqual(gaussianNoise(corner, 3, SIZE));
  });

  test('is made for each image at its own place', () => {
    const images: Placed[] = [
      { image: 4, place: { across: 30, down: 60 } },
      { image: 1, place: { across: 0, down: 0 } },
    ];
    const noise = noiseOf(9, images, SIZE);
    const alone = noiseOf(9, imagesAt(images[0].place, 5), SIZE);
    expect(noise.subarray(0, SIZE)).toEqual(alone.subarray(4 * SIZE));
    expect(noise.subarray(SIZE)).toEqual(gaussianNoise(9, 2, SIZE).subarray(SIZE));
  });
});

test('examples/morph mixes noises as the page does', () => {
  const noises = [3, 4, 5, 6].map((seed) => gaussianNoise(seed, 1, 64));
  const page = noiseOf(3, imagesAt({ across: 30, down: 80 }, 1), 64);
  expect([...between(noises, 0.3, 0.8)]).toEqual([...page].map((value) => expect.closeTo(value, 6)));
});

test.each([
  ['ArrowRight', false, { across: 52, down: 1 }],
  ['ArrowLeft', true, { across: 40, down: 1 }],
  ['ArrowUp', false, { across: 50, down: 0 }],
  ['PageDown', false, { across: 50, down: 11 }],
  ['End', false, { across: 100, down: 1 }],
  ['Tab', false, undefined],
])(
  'the key %s, with Shift: %o, moves the handle of the noise field to %j, never out of the field',
  (key, shift, to) => {
    expect(movedBy({ across: 50, down: 1 }, key, shift)).toEqual(to);
  },
);

const digits = { recipe: 'digits', classes: 10, sampling: recipes.digits.sampling } as const;
const instant = { source: 'instant', method: 'euler', steps: 2, guidance: 1 } as const;

describe('network calls', () => {
  const making = (settings: Partial<typeof initialSettings>) =>
    makingOf({ ...initialSettings, ...settings }, 'pretrained', digits);
  const { method, steps } = recipes.digits.sampling;
  const usual = { source: 'pretrained', method, steps, guidance: 2 } as const;

  test.each([
    ['2', instant, 2],
    ['8', { ...usual, method: 'adams', steps: 4 }, 8],
    ['40', { ...usual, method: 'euler', steps: 20 }, 40],
  ] as const)('of the choice %s come with %j', (calls, expected, count) => {
    const made = making({ calls });
    expect([made, callsIn(made, digits), choiceOf(made)]).toEqual([expected, count, calls]);
    expect(settingsFor('digits', made)).toEqual({ calls, steps: 0, method: 'auto', guidance: 2 });
  });

  test('of the distilled network are the ones that its file states', async () => {
    const { sampling } = await loadPretrained(INSTANT.name);
    expect(INSTANT.sampling).toEqual(sampling);
  });

  test.each([
    [{ steps: 7 }, { ...usual, steps: 7 }],
    [
      { method: 'heun', guidance: 3 },
      { ...usual, method: 'heun', guidance: 3 },
    ],
    [
      { calls: '40', steps: 5 },
      { ...usual, method: 'euler', steps: 5 },
    ],
  ] as const)('give way to %j, which old addresses set beside them', (settings, expected) => {
    expect(making(settings)).toEqual(expected);
  });

  test('of other networks follow their files or recipes, where nothing is chosen', () => {
    const own = { ...digits, sampling: { method: 'euler', steps: 12, guidance: 2 } } as const;
    expect(makingOf(initialSettings, 'run', own)).toEqual({
      ...usual,
      source: 'run',
      method: 'euler',
      steps: 12,
    });
    const distilled = { ...digits, sampling: { method: 'euler', steps: 1, guidance: 1, calls: 1 } } as const;
    for (const calls of ['2', '40'] as const)
      expect(makingOf({ ...initialSettings, calls, steps: 9 }, 'file', distilled)).toEqual({
        ...{ source: 'file', method: 'euler', steps: 1, guidance: 1 },
      });
    const tutorial = { recipe: 'tutorial', classes: 0, sampling: recipes.tutorial.sampling } as const;
    const fifty = makingOf(initialOf('tutorial'), 'pretrained', tutorial);
    expect([fifty.source, fifty.steps, callsIn(fifty, tutorial)]).toEqual(['pretrained', 50, 50]);
    expect(settingsFor('tutorial', { ...fifty, steps: 5 })).toMatchObject({ calls: '8', steps: 5 });
  });

  test.each([
    [{ ...initialSettings, calls: '2', guidance: 3 }, 'pretrained', instant],
    [{ ...initialSettings, guidance: 3 }, 'run', { source: 'run', method: 'adams', steps: 3, guidance: 3 }],
    [initialOf('pictures'), 'pretrained', instant],
  ] as const)(
    'under the hand are the distilled network’s, or the fewest that another one needs: row %#',
    (settings, source, expected) => {
      expect(handMaking(settings, source, digits)).toEqual(expected);
    },
  );
});

describe('pictures that follow the hand', () => {
  const order: Order = {
    ...instant,
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
  let rests: number;
  let app: { settings: Settings; state: typeof initialState; [key: string]: unknown };
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
  const answers = async (count: number) => {
    for (let i = 0; i < count; i++) await answer();
  };
  const follow = async (order: Order) => {
    void stage.show(async function* (signal) {
      yield* hand.follow(order, stage.following ?? { tiles: undefined });
      if (!signal.aborted) rests++;
    });
    await turn();
  };
  const look = async (order: Order) => {
    void stage.show(() => hand.look(order));
    await turn();
  };
  const lose = async () => {
    stage.lose();
    hand.drop();
    stage.render();
    await vi.advanceTimersByTimeAsync(1000);
  };
  const shown = () => [...stage.following!.tiles.bytes].filter((_, i) => i % 2 === 0);

  beforeEach(() => {
    vi.useFakeTimers();
    sent = [];
    rests = 0;
    const network = { ...digits, height: 1, width: 2, channels: 1 };
    const adapter = { software: true } as NonNullable<typeof initialState.adapter>;
    app = {
      ...{ settings: { ...initialSettings, task: 'sample' }, network, state: { ...initialState, adapter } },
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
    expect(sent).toHaveLength(1);
    expect(images(sent[0])).toEqual([9, 1, 2, 3]);
    await answer();
    expect(sent).toHaveLength(2);
    // They are newer than paper.
    expect(shown().filter((place) => place === 1)).toHaveLength(4);
    // Of the second place nothing was ever asked.
    expect([sent[1].order.place.across, images(sent[1])]).toEqual([3, [9, 4, 5, 6]]);
    await answer();
    expect(images(sent[2])).toEqual([7, 8, 0, 1, 2, 3]);
    expect(stage.following!.order.place.across).toBe(3);
    await answer();
    expect(sent).toHaveLength(3);
    expect(shown()).toEqual(Array(10).fill(3));
  });

  test('end once all are of the hand’s place and it rests', async () => {
    await follow(at(1));
    await answers(3);
    expect(rests).toBe(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect(rests).toBe(1);
    await follow(at(2));
    await vi.advanceTimersByTimeAsync(1000);
    expect(rests).toBe(1);
    await answers(3);
    expect(rests).toBe(2);
  });

  test('are not made again for digits that stay while others are typed, or places that the hand returns to', async () => {
    const typed = (text: string) =>
      follow({ ...order, text, labels: [...text].map(Number), count: text.length });
    await typed('20');
    await answer();
    await typed('202');
    expect(images(sent[1])).toEqual([2]);
    await answer();
    await typed('212');
    expect(images(sent[2])).toEqual([1]);
    expect(stage.following!.order.text).toBe('202');
    await answer();
    await typed('202');
    expect([sent.length, stage.following!.order.text]).toEqual([3, '202']);
    stage.clear();
    expect(stage.following).toBeUndefined();
  });

  test('are forgotten beyond a thousand images, the oldest first', async () => {
    const goTo = async (place: number) => {
      const before = sent.length;
      await follow(at(place));
      for (let i = 0; i < 3 && sent.length > before; i++) await answer();
      return sent.length > before;
    };
    for (let i = 0; i <= 100; i++) expect(await goTo(i), `${i}`).toBe(true);
    expect(await goTo(100)).toBe(false);
    expect(await goTo(1)).toBe(false);
    expect(await goTo(0)).toBe(true);
  });

  test('report a problem once, and are asked for again at a new place', async () => {
    await follow(at(1));
    sent[0].reject(new Error('no'));
    await vi.advanceTimersByTimeAsync(1000);
    expect([stage.problem, sent.length, rests]).toEqual(['no', 1, 0]);
    await follow(at(2));
    expect([stage.problem, sent.length]).toEqual([undefined, 2]);
    void stage.show(async function* () {
      yield* [];
    });
    sent[1].reject(new Error('of what is not shown any more'));
    await turn();
    expect(stage.problem).toBeUndefined();
    await follow(at(2));
    // A lost device has forgotten what it was asked.
    await lose();
    await follow(at(3));
    expect(sent).toHaveLength(4);
    // An answer to what is not asked any more.
    await answer(sent[2]);
    expect(shown()).not.toContain(2);
    await answer();
    expect(shown()[9]).toBe(3);
  });

  test('are not asked for again after the device was lost, before something moves', async () => {
    const lost = 'The GPU device was lost. Press Make, and the page asks for another one.';
    await follow(at(1));
    await lose();
    expect([stage.problem, sent.length]).toEqual([lost, 1]);
    await follow(at(2));
    expect([stage.problem, sent.length]).toEqual([undefined, 2]);
    // Digits that are all there are not made with their steps either.
    await answers(3);
    const { length } = sent;
    await lose();
    expect([stage.problem, rests]).toEqual([lost, 0]);
    stage.clear();
    await look(at(3));
    await lose();
    expect([stage.problem, sent.length]).toEqual([lost, length + 1]);
    await look(at(4));
    await answers(Math.ceil(MAP_SIDE ** 2 / 4));
    // A map that is all there misses no device.
    await lose();
    expect(stage.problem).toBeUndefined();
  });

  test('fill the map with the digit under the hand all over the field, from corner to corner, where the map is seen', async () => {
    await look(at(40));
    await answers(Math.ceil(MAP_SIDE ** 2 / 4));
    expect(sent.every((asked) => images(asked)!.every((image) => image === 9))).toBe(true);
    const { bytes, columns } = stage.map!;
    expect([columns, bytes.length]).toEqual([MAP_SIDE, 2 * MAP_SIDE ** 2]);
    const places = Array.from({ length: MAP_SIDE ** 2 }, (_, i) => [bytes[2 * i], bytes[2 * i + 1] - 100]);
    expect([places[0], places[MAP_SIDE - 1], places[MAP_SIDE], places.at(-1)]).toEqual([
      [0, 0],
      [100, 0],
      [0, 25],
      [100, 100],
    ]);
    const { length } = sent;
    const { state, settings } = app;
    Object.assign(app, { settings: { ...settings, task: 'train' } });
    await look({ ...at(60), seed: 2 });
    for (const busy of [
      { settings: { ...settings, task: 'train' } },
      { state: { ...state, training: true } },
      { measuring: 'bench' },
    ]) {
      Object.assign(app, { state, settings, measuring: undefined }, busy);
      stage.render();
      await turn();
      expect(sent, Object.keys(busy)[0]).toHaveLength(length);
    }
    Object.assign(app, { state, settings, measuring: undefined });
    stage.render();
    await turn();
    expect([sent.length, stage.following]).toEqual([length + 1, undefined]);
  });

  test('are made again where another network answers from now on', async () => {
    const typed = { ...at(1), text: '2', labels: [2], count: 1 } as const;
    await follow(typed);
    hand.forget();
    sent[0].reject(new Error('aborted'));
    await turn();
    expect([sent.length, stage.problem]).toEqual([2, undefined]);
    hand.forget();
    // The answer of the network before.
    await answer(sent[1]);
    expect(sent).toHaveLength(3);
    await answer();
    await follow(typed);
    expect(sent).toHaveLength(3);
    hand.forget();
    await follow(typed);
    expect(sent).toHaveLength(4);
  });
});
