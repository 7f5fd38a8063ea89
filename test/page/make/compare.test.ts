/** How the columns of a comparison are made, and why one cannot be. */
import { describe, expect, test } from 'vitest';
import { columnOf, type Networks, usualColumns } from '../../../harness/page/make/compare';
import { initialOf } from '../../../harness/page/messages/settings';
import { initialState, networkIn } from '../../../harness/page/shell/state';
import { recipes } from '../../../src/recipes';

const networks = (changes: Partial<Networks> = {}): Networks => {
  const settings = initialOf(changes.recipe ?? 'digits');
  const [pretrained, run] = (['pretrained', 'run'] as const).map((each) =>
    networkIn(each, initialState, settings),
  );
  return {
    recipe: settings.recipe,
    source: 'pretrained',
    chosen: pretrained,
    pretrained,
    run,
    trained: true,
    ...changes,
  };
};

test('a comparison opens with columns that its network can show', () => {
  const { pretrained, run } = networks();
  const shown = (changes: Partial<Networks>) => Object.values(usualColumns(networks(changes)) ?? {});
  const own = { source: 'run', chosen: run } as const;
  expect(shown({})).toEqual(['calls-2', 'calls-40']);
  expect(shown(own)).toEqual(['guidance-1', 'guidance-4']);
  expect(shown({ ...own, chosen: { ...run, classes: 0 } })).toEqual(['calls-8', 'calls-40']);
  const sampling = { method: 'euler', steps: 1, guidance: 1, calls: 1 } as const;
  const distilled = { source: 'file', chosen: { ...pretrained, sampling } } as const;
  expect(shown(distilled)).toEqual(['pretrained', 'run']);
  expect(shown({ ...distilled, trained: false })).toEqual([]);
});

describe('a column of a comparison', () => {
  test.each([
    ['calls-2', { source: 'instant', method: 'euler', steps: 2, guidance: 1 }],
    ['calls-40', { source: 'pretrained', method: 'euler', steps: 20, guidance: 2 }],
    ['guidance-4', { source: 'pretrained', method: 'adams', steps: 4, guidance: 4 }],
    ['pretrained', { source: 'pretrained', method: 'adams', steps: 4, guidance: 2 }],
    ['run', { source: 'run', method: 'adams', steps: 4, guidance: 2 }],
  ] as const)('with the choice %s has its network, method, steps and guidance', (choice, made) => {
    expect(columnOf(choice, networks())).toEqual(made);
  });

  test('takes the chosen network, unless its own choice is a network', () => {
    const { run } = networks();
    const own = networks({ source: 'run', chosen: run });
    expect(columnOf('calls-40', own)).toMatchObject({ source: 'run', steps: 20 });
    expect(columnOf('guidance-4', own)).toMatchObject({ source: 'run', guidance: 4 });
    expect(columnOf('pretrained', own)).toMatchObject({ source: 'pretrained' });
    expect(columnOf('calls-2', own)).toContain('distil it in Train');
  });

  test('with the choice run needs a run that makes the same images as the pretrained network', () => {
    expect(columnOf('run', networks({ trained: false }))).toContain('train one first');
    const { run } = networks();
    for (const other of [{ height: 24 }, { channels: 3 }, { classes: 26 }, { classes: 0 }])
      expect(columnOf('run', networks({ run: { ...run, ...other } })), JSON.stringify(other)).toMatch(
        /^The pretrained network and this run make different things: 28 × 28 pixels in grey of 10 classes, and /,
      );
  });

  const { pretrained } = networks();
  const distilled = { method: 'euler', steps: 1, guidance: 1, calls: 1 } as const;
  test.each([
    ['guidance-2', { classes: 0 }, 'no classes'],
    ['calls-8', { sampling: distilled }, 'distilled to 1 call'],
    ['calls-8', { recipe: 'tutorial', sampling: recipes.tutorial.sampling }, 'one way of sampling'],
  ] as const)('with the choice %s says what its network cannot do: row %#', (choice, network, words) => {
    expect(columnOf(choice, networks({ chosen: { ...pretrained, ...network } }))).toContain(words);
  });
});
