/** Figures of the documents that the code computes or a command prints in a moment; the others name their command. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { whole } from '../../harness/text/units';
import { type RecipeName, recipeAt, recipes } from '../../src/recipes';
import { toTrainerConfig } from '../../src/training/options';
import { averageDefaults } from '../../src/training/step_config';
import { checkConfig, listLayers, listParameters } from '../../src/unet/config';
import { winogradForms } from '../../src/winograd/forms';
import { typed } from '../lib/command';
import { testFiles } from '../lib/lanes/lanes';

const read = (document: string) => readFileSync(document, 'utf8').replace(/\s+/g, ' ');
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b);
const explained = async (pattern: RegExp, ...flags: string[]) =>
  pattern.exec((await typed('explain', ...flags)).out)!.slice(1);

const parameters = (recipe: RecipeName) =>
  whole(sum(listParameters(recipes[recipe].network).parameters.map(({ size }) => size)));
const layers = (recipe: RecipeName) => listLayers(checkConfig(recipes[recipe].network));
/** Multiply-adds of each layer for an image. */
const products = (recipe: RecipeName) =>
  layers(recipe).map((l) => l.height * l.width * l.kernelSize ** 2 * l.inChannels * l.outChannels);
/** The products of a step: the first layer has no input gradient. */
const inStep = () => 3 * sum(products('tutorial')) - products('tutorial')[0];

const { tile, kernel } = winogradForms.find(({ name }) => name === 'winograd7')!;
const digitsAt = [256, 64].map((batch) => {
  const { adam, average, schedule } = toTrainerConfig(recipeAt('digits', batch).trainer);
  return { ...averageDefaults, ...average, beta2: adam.beta2, warmup: schedule!.warmup };
});
const { fit, sampling } = recipes.pictures;

/** [document, sentence with # for each figure, what computes them] */
const rows: readonly (readonly [string, string, () => unknown])[] = [
  [
    'docs/performance.md',
    '**Winograd F(7x7,5x5)** needs # times fewer products',
    () => [((tile * kernel) ** 2 / (tile + kernel - 1) ** 2).toFixed(1)],
  ],
  [
    'docs/performance.md',
    'dispatches of a step of 64 digits; of a pass of one | | #',
    () => explained(/(\d+) dispatches/, '--recipe', 'digits', '--gpu'),
  ],
  [
    'docs/performance.md',
    'training at batch 256, data set apart (`npm run explain`) | # MB: # network',
    () => explained(/network +([\d.]+) MB[\s\S]+Training takes (\d+) MB/).then(([a, b]) => [b, a]),
  ],
  [
    'ARCHITECTURE.md',
    '0.82 to 0.64 GB a step at batch 256, # with the fused ends',
    () => explained(/, ([\d.]+) GB that must move/),
  ],
  ['docs/recipe.md', '`recipes.digits`: # parameters', () => [parameters('digits')]],
  ['docs/recipe.md', 'parameters instead of #,', () => [parameters('tutorial')]],
  ['docs/recipe.md', '`residual: true`), # parameters, as many', () => [parameters('pictures')]],
  [
    'docs/recipe.md',
    'for # epochs, and samples in # steps of Adams',
    () => [fit.epochs, sampling.steps].map(String),
  ],
  [
    'docs/recipe.md',
    'warm-up: # images | round(#',
    () => digitsAt.map(({ warmup }, i) => whole(warmup * [256, 64][i])),
  ],
  ['docs/recipe.md', '5,120 / B) steps | # | #', () => digitsAt.map(({ warmup }) => `${warmup}`)],
  ['docs/recipe.md', 'to six digits | # | #', () => digitsAt.map(({ beta2 }) => `${beta2}`)],
  [
    'docs/recipe.md',
    'after # images | round(#',
    () => digitsAt.map(({ after }, i) => whole(after * [256, 64][i])),
  ],
  ['docs/recipe.md', '25,600 / B) steps | # | #', () => digitsAt.map(({ after }) => `${after}`)],
  ['docs/recipe.md', '9 · 256 / B | # | #', () => digitsAt.map(({ span }) => `${span}`)],
  ['docs/recipe.md', '1 - 0.001 B / 256 | # | #', () => digitsAt.map(({ most }) => `${most}`)],
  [
    'docs/recipe.md',
    'lie on the GPU (# MB for 4,000 of 28x28 and two calls',
    () => [(4000 * 3 * 28 * 28 * 4) / 1e6].map((megabytes) => megabytes.toFixed(0)),
  ],
  ['docs/models.md', 'UNet, # parameters, of noise level and class', () => [parameters('digits')]],
  ['docs/models.md', 'UNet, # parameters; makes blots', () => [parameters('tutorial')]],
  ['docs/models.md', 'UNet, # parameters, of noise level; for', () => [parameters('pictures')]],
  [
    'docs/tutorial.md',
    'These are **#** parameters, and # million multiply-adds',
    () => [parameters('tutorial'), (sum(products('tutorial')) / 1e6).toFixed(1)],
  ],
  [
    'docs/tutorial.md',
    '# million in all, so # GFLOP for a step of 256 images',
    () => [(inStep() / 1e6).toFixed(1), ((inStep() * 2 * 256) / 1e9).toFixed(1)],
  ],
  ...layers('tutorial').map(
    ({ name, inChannels, outChannels }, i) =>
      [
        'docs/tutorial.md',
        `25 * ${inChannels} * ${outChannels} + ${outChannels} = # | # M |${name === 'up.2' ? '' : ` | \`${layers('tutorial')[i + 1].name}\``}`,
        () => [
          whole(25 * inChannels * outChannels + outChannels),
          (products('tutorial')[i] / 1e6).toFixed(2),
        ],
      ] as const,
  ),
];

test.each(rows)('%s says what is so: %s', async (document, sentence, figures) => {
  const pattern = sentence.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('#', '([\\d.,]*\\d)');
  const [_, ...said] = new RegExp(pattern).exec(read(document)) ?? [];
  expect(said).toEqual(await figures());
});

/** The rows of a document's tables whose heads end so. */
const rowsBelow = (document: string, head: string) =>
  readFileSync(document, 'utf8')
    .split('\n\n')
    .filter((block) => block.split('\n')[0].endsWith(head))
    .flatMap((table) => table.trimEnd().split('\n').slice(2));

test('each measured row of docs/performance.md names its command', () => {
  const measured = rowsBelow('docs/performance.md', '| | measured |');
  expect(measured.length).toBeGreaterThan(3);
  expect(measured.filter((row) => !/`(npm run |bench)/.test(row))).toEqual([]);
});

test('each promise of docs/reliability.md names tests, or parts of tests, that exist', () => {
  const textsOf = (files: readonly string[]) => files.map((file) => `${file}\n${readFileSync(file, 'utf8')}`);
  const inFolder = (folder: string) =>
    textsOf(
      readdirSync(folder)
        .filter((file) => file.endsWith('.ts'))
        .map((file) => `${folder}/${file}`),
    );
  const parts: Record<string, readonly string[]> = {
    long: inFolder('test/long'),
    package: inFolder('test/repository/package'),
  };
  const tests = textsOf(testFiles);
  const promises = rowsBelow('docs/reliability.md', '| figure | test |');
  expect(promises.length).toBeGreaterThan(20);
  const missing = promises.flatMap((row) => {
    const commands = [
      ...row
        .split('|')
        .at(-2)!
        .matchAll(/`([^`]+)`/g),
    ].map(([_, command]) => command);
    if (commands.length === 0 && !row.includes('by hand')) return row;
    return commands.flatMap((command) => {
      const words = command.match(/'[^']+'|\S+/g)!.map((word) => word.replaceAll("'", ''));
      const texts = parts[words[0]] ?? tests;
      return words.filter(
        (word) => word !== 'faults' && !(word in parts) && !texts.some((text) => text.includes(word)),
      );
    });
  });
  expect(missing).toEqual([]);
});
