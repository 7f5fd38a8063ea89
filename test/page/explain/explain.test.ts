/** The Explain view without a browser: its arithmetic, its numbers against the documentation, and where its links lead. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exercises } from '../../../harness/page/explain/exercises';
import { errorOf, spread } from '../../../harness/page/explain/noise';
import { recipeSteps } from '../../../harness/page/explain/recipe_steps';
import { parseQuery } from '../../../harness/page/messages/settings';
import { anchorOf, fileAddress } from '../../../harness/page/sources/texts';
import { gaussianNoise, uniformOf } from '../../../harness/pictures/noise';
import { markup } from '../markup';

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

test('Gaussian noise becomes uniform noise with the same pixels high and low', () => {
  // Tables of the normal distribution.
  for (const [z, share] of [
    [-6, 0],
    [-1.96, 0.0249979],
    [-1, 0.1586553],
    [0, 0.5],
    [0.5, 0.6914625],
    [2.326, 0.9899907],
    [6, 1],
  ] as const)
    expect(uniformOf(z)).toBeCloseTo(share, 6);
  const uniform = [...gaussianNoise(1, 4, 784)].map(uniformOf);
  const quarters = spread(uniform, 0, 1, 4);
  for (const share of quarters) expect(share).toBeCloseTo(0.25, 1);
});

test('a histogram counts values by bins, and values beyond them in the outermost bins', () => {
  expect(spread([-9, 0, 0.1, 0.5, 0.99, 1, 7, 0.26], 0, 1, 4)).toEqual([3 / 8, 1 / 8, 1 / 8, 3 / 8]);
});

test('the error of a guess is the mean squared difference of pixels from 0 to 1', () => {
  expect(errorOf(Uint8Array.of(0, 255, 51), Uint8Array.of(0, 0, 0))).toBeCloseTo((1 + 0.04) / 3, 12);
});

test('the steps of the recipe have the numbers of docs/recipe.md', () => {
  const rows = [...read('docs/recipe.md').matchAll(/^\| \*?(\d)\. ([^|*]+?)\*? \| ([\d.]+)% \|/gm)];
  const table = rows.map(([, number, name, accepted]) => [Number(number), name, Number(accepted)]);
  expect(table.filter(([, name]) => name !== 'after 400 steps')).toEqual(
    recipeSteps.map(({ name, accepted }, i) => [i + 1, name, accepted]),
  );
  const [, , afterMore] = table.find(([, name]) => name === 'after 400 steps')!;
  expect(recipeSteps[7].about).toContain(`${afterMore} %`);
  expect(read('docs/recipe.md')).toContain('*real digits* | 96.7% |');
});

test('docs/images/recipe-steps.png has a row for each of the first seven steps', () => {
  const png = readFileSync(new URL('docs/images/recipe-steps.png', root));
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([130 + 10 * 58, 7 * 60]);
});

test.each(Object.values(exercises))(
  'the exercise “$question” opens a view with legal settings, at something on the page',
  ({ search, lead }) => {
    const { notices, settings } = parseQuery(search);
    expect(notices).toEqual([]);
    expect(settings.task).not.toBe('explain');
    if (settings.task === 'train') expect(settings).toMatchObject({ recipe: 'digits', begin: 'pretrained' });
    expect(markup).toContain(` id="${lead}"`);
  },
);

test('links of the scenes lead to files and headings of the project that exist', () => {
  const folder = new URL('harness/page/explain/', root);
  const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const paths = sources.flatMap((text) =>
    [...text.matchAll(/\['((?:docs|shaders|src)\/[^']+)', '/g)].map(([, path]) => path),
  );
  expect(paths.length).toBeGreaterThan(14);
  for (const path of paths) {
    const [file, anchor] = path.split('#');
    expect(existsSync(new URL(file, root)), file).toBe(true);
    const headings = [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading));
    if (anchor) expect(headings).toContain(anchor);
  }
  const url = (owner: string) => `git+https://github.com/${owner}/webgpu-diffusion.git`;
  expect(fileAddress('README.md', url('somebody'))).toBe(
    'https://github.com/somebody/webgpu-diffusion/blob/HEAD/README.md',
  );
  expect(fileAddress('README.md', url('OWNER'))).toBeUndefined();
});
