/** How the images of Make are made: with which network, method, steps and guidance; of a column of a comparison, or why not. */
import { expect, test } from 'vitest';
import {
  callsChoice,
  callsText,
  columnMaking,
  handMaking,
  pairIn,
  planMaking,
  stepsText,
  usualPair,
} from '../../../harness/page/make/making';
import type { ModelDescription } from '../../../harness/page/messages/messages';
import { INSTANT } from '../../../harness/page/messages/pretrained';
import {
  initialFor,
  initialSettings,
  type NetworkSource,
  type Settings,
} from '../../../harness/page/messages/settings';
import { LossHistory } from '../../../harness/page/runs/losses';
import { initialState, networkIn } from '../../../harness/page/shell/state';
import { loadPretrained } from '../../../src/pretrained';
import type { Sampling } from '../../../src/unet/sampling';

const pretrained = networkIn('pretrained', initialState, initialSettings);
const tutorial = networkIn('pretrained', initialState, initialFor('tutorial'));
const own = (sampling: Partial<Sampling>) => ({
  ...pretrained,
  sampling: { ...pretrained.sampling, ...sampling },
});
const distilled = own({ method: 'euler', steps: 1, guidance: 1, calls: 1 });

const instant = { source: 'instant', method: 'euler', steps: 2, guidance: 1 } as const;
const adams = { source: 'pretrained', method: 'adams', steps: 4, guidance: 2 } as const;
const euler = { ...adams, method: 'euler', steps: 20 } as const;
const one = { ...euler, source: 'file', steps: 1, guidance: 1 } as const;

test.each<[typeof planMaking, Partial<Settings>, NetworkSource, typeof pretrained, object]>([
  [planMaking, { calls: '2' }, 'pretrained', pretrained, instant],
  [planMaking, { calls: '8' }, 'pretrained', pretrained, adams],
  [planMaking, { calls: '40' }, 'pretrained', pretrained, euler],
  // Old addresses set them beside the calls.
  [planMaking, { steps: 7 }, 'pretrained', pretrained, { ...adams, steps: 7 }],
  [
    planMaking,
    { method: 'heun', guidance: 3 },
    'pretrained',
    pretrained,
    { ...adams, method: 'heun', guidance: 3 },
  ],
  [planMaking, { calls: '40', steps: 5 }, 'pretrained', pretrained, { ...euler, steps: 5 }],
  [planMaking, {}, 'run', own({ method: 'euler', steps: 12 }), { ...euler, source: 'run', steps: 12 }],
  [planMaking, { calls: '40', steps: 9 }, 'file', distilled, one],
  // The fewest that make images.
  [handMaking, { calls: '2', guidance: 3 }, 'pretrained', pretrained, instant],
  [handMaking, { guidance: 3 }, 'run', pretrained, { ...adams, source: 'run', steps: 3, guidance: 3 }],
  [handMaking, { steps: 9 }, 'file', distilled, one],
  [handMaking, initialFor('pictures'), 'pretrained', pretrained, instant],
])('%o follows %j, the network %s and its file or recipe: row %#', (of, settings, source, network, made) => {
  expect(of({ ...initialSettings, ...settings }, source, network)).toEqual(made);
});

test.each([
  [instant, pretrained, '2', '2 steps of a network taught to do it in two, 2 network calls'],
  [adams, pretrained, '8', '4 steps of Adams, 8 network calls'],
  [euler, pretrained, '40', '20 steps of Euler, 40 network calls'],
  [{ ...euler, steps: 50 }, tutorial, undefined, '50 steps, 50 network calls'],
] as const)('%j in words: row %#', (making, network, choice, words) => {
  expect(callsChoice(making)).toBe(choice);
  expect(`${stepsText(making, network)}, ${callsText(making, network)}`).toBe(words);
});

test('the distilled network samples as its file states', async () => {
  expect((await loadPretrained(INSTANT.name)).sampling).toEqual(INSTANT.sampling);
});

// ---------------------------------------------------------------- columns

interface Given {
  readonly source?: NetworkSource;
  /** Steps of the run. */
  readonly steps?: number;
  /** The run's images. */
  readonly data?: object;
  /** The network of a file. */
  readonly model?: Partial<ModelDescription>;
}

const page = ({ source = 'pretrained', steps = 1, data, model }: Given) => {
  const digits = { name: 'mnist', builtIn: true, count: 9, height: 28, width: 28, channels: 1, classes: 10 };
  const state = {
    ...initialState,
    losses: LossHistory.of(Array(steps).fill(1)),
    data: { ...digits, ...data },
    model: { ...pretrained, name: 'a', ...model },
  };
  return { settings: initialSettings, state, source };
};

const ofRun = { source: 'run' } as const;
const file = (model: Partial<ModelDescription>): Given => ({ source: 'file', model });

test.each<[Given, readonly string[] | undefined]>([
  [{}, ['calls-2', 'calls-40']],
  [ofRun, ['guidance-1', 'guidance-4']],
  [{ ...ofRun, data: { classes: 0 } }, ['calls-8', 'calls-40']],
  [file(distilled), ['pretrained', 'run']],
  [{ ...file(distilled), steps: 0 }, undefined],
])('a comparison opens with columns that its network can show: row %#', (given, pair) => {
  expect(usualPair(page(given))).toEqual(pair);
});

test.each([
  [{}, undefined],
  [{ left: 'guidance-2' }, ['guidance-2', 'calls-40']],
  [{ right: 'run' }, ['calls-2', 'run']],
] as const)('of an address with %j the usual columns stand where it names none', (chosen, pair) => {
  const { settings, ...others } = page({});
  expect(pairIn({ settings: { ...settings, ...chosen }, ...others })).toEqual(pair);
});

const apart =
  /^The pretrained network and this run make different things: 28 × 28 pixels in grey of 10 classes, and /;

test.each<[Given, Parameters<typeof columnMaking>[0], object | RegExp]>([
  [{}, 'calls-2', instant],
  [{}, 'calls-40', euler],
  [{}, 'guidance-4', { ...adams, guidance: 4 }],
  [{}, 'pretrained', adams],
  [{}, 'run', { ...adams, source: 'run' }],
  // Of the chosen network, unless the choice itself is one.
  [ofRun, 'calls-40', { ...euler, source: 'run' }],
  [ofRun, 'guidance-4', { ...adams, source: 'run', guidance: 4 }],
  [ofRun, 'pretrained', adams],
  [ofRun, 'calls-2', /distil it in Train/],
  [{ steps: 0 }, 'run', /train one first/],
  ...[{ height: 24 }, { channels: 3 }, { classes: 26 }].map(
    (data) => [{ data }, 'run', apart] as [Given, 'run', RegExp],
  ),
  [file({ classes: 0 }), 'guidance-2', /no classes/],
  [file(distilled), 'calls-8', /distilled to 1 call:/],
  [file(tutorial), 'calls-8', /one way of sampling/],
])(
  'where the page has %j, the column %s has its network, method, steps and guidance, or says why not',
  (given, choice, made) => {
    const column = columnMaking(choice, page(given));
    if (made instanceof RegExp) expect(column).toMatch(made);
    else expect(column).toEqual(made);
  },
);
