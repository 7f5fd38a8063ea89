/** How the columns of a comparison are made, and why one cannot be. */
import { expect, test } from 'vitest';
import { columnOf, pairIn, usualPair } from '../../../harness/page/make/making';
import type { ModelDescription } from '../../../harness/page/messages/messages';
import { initialSettings, type Source } from '../../../harness/page/messages/settings';
import { Losses } from '../../../harness/page/runs/losses';
import { initialState, networkIn } from '../../../harness/page/shell/state';
import { recipes } from '../../../src/recipes';

interface Given {
  readonly source?: Source;
  /** Steps of the run. */
  readonly steps?: number;
  /** The run's images. */
  readonly data?: object;
  /** The network of a file. */
  readonly model?: Partial<ModelDescription>;
}

const page = ({ source = 'pretrained', steps = 1, data, model }: Given) => {
  const digits = { name: 'mnist', builtIn: true, count: 9, height: 28, width: 28, channels: 1, classes: 10 };
  const pretrained = networkIn('pretrained', initialState, initialSettings);
  const state = {
    ...initialState,
    losses: Losses.of(Array(steps).fill(1)),
    data: { ...digits, ...data },
    model: { ...pretrained, name: 'a', ...model },
  };
  return { settings: initialSettings, state, source };
};

const own = { source: 'run' } as const;
const distilled = { method: 'euler', steps: 1, guidance: 1, calls: 1 } as const;
const file = (model: Partial<ModelDescription>): Given => ({ source: 'file', model });

test.each<[Given, readonly string[] | undefined]>([
  [{}, ['calls-2', 'calls-40']],
  [own, ['guidance-1', 'guidance-4']],
  [{ ...own, data: { classes: 0 } }, ['calls-8', 'calls-40']],
  [file({ sampling: distilled }), ['pretrained', 'run']],
  [{ ...file({ sampling: distilled }), steps: 0 }, undefined],
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

const adams = { method: 'adams', steps: 4, guidance: 2 } as const;
const apart =
  /^The pretrained network and this run make different things: 28 × 28 pixels in grey of 10 classes, and /;

test.each<[Given, Parameters<typeof columnOf>[0], object | RegExp]>([
  [{}, 'calls-2', { source: 'instant', method: 'euler', steps: 2, guidance: 1 }],
  [{}, 'calls-40', { source: 'pretrained', method: 'euler', steps: 20, guidance: 2 }],
  [{}, 'guidance-4', { source: 'pretrained', ...adams, guidance: 4 }],
  [{}, 'pretrained', { source: 'pretrained', ...adams }],
  [{}, 'run', { source: 'run', ...adams }],
  // Of the chosen network, unless the choice itself is one.
  [own, 'calls-40', { source: 'run', method: 'euler', steps: 20, guidance: 2 }],
  [own, 'guidance-4', { source: 'run', ...adams, guidance: 4 }],
  [own, 'pretrained', { source: 'pretrained', ...adams }],
  [own, 'calls-2', /distil it in Train/],
  [{ steps: 0 }, 'run', /train one first/],
  ...[{ height: 24 }, { channels: 3 }, { classes: 26 }, { classes: 0 }].map(
    (data) => [{ data }, 'run', apart] as [Given, 'run', RegExp],
  ),
  [file({ classes: 0 }), 'guidance-2', /no classes/],
  [file({ sampling: distilled }), 'calls-8', /distilled to 1 call:/],
  [file({ recipe: 'tutorial', sampling: recipes.tutorial.sampling }), 'calls-8', /one way of sampling/],
])(
  'where the page has %j, the column %s has its network, method, steps and guidance, or says why not',
  (given, choice, made) => {
    const column = columnOf(choice, page(given));
    if (made instanceof RegExp) expect(column).toMatch(made);
    else expect(column).toEqual(made);
  },
);
