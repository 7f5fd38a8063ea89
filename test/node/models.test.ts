/** docs/models.md: each network has its figures, and they are reproduced. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pretrainedNames } from '../../src/pretrained/index';
import { takesLong } from '../lanes/limits';
import { succeed } from './command';

const page = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8');

interface Figure {
  readonly mean: number;
  readonly error: number;
}

/** The figures of a network by name, from a table of `evaluate --card`. */
function figuresOf(text: string, network: string): Map<string, Figure> {
  const [, rows = ''] = text.split(
    `| \`${network}\` | mean ± standard error | real digits |\n|---|--:|--:|\n`,
  );
  const [table] = rows.split('\n\n');
  const found = [...table.matchAll(/^\| (.+?) \| ([\d.]+)%? ± ([\d.]+)%? \|/gm)];
  return new Map(found.map(([, name, mean, error]) => [name, { mean: Number(mean), error: Number(error) }]));
}

/** The names of figures that differ by more than three standard errors of their difference. */
const notReproduced = (card: ReadonlyMap<string, Figure>, again: ReadonlyMap<string, Figure>): string[] =>
  [...card.keys()].filter((name) => {
    const [a, b] = [card.get(name)!, again.get(name)];
    return !(b && Math.abs(a.mean - b.mean) <= 3 * Math.hypot(a.error, b.error));
  });

const measured = pretrainedNames.filter((name) => figuresOf(page, name).size > 0);

test('docs/models.md has figures of pretrained networks', () => {
  expect(measured).toContain('digits-instant');
});

test.each(measured)('docs/models.md has all figures of %s, with errors', (name) => {
  const figures = figuresOf(page, name);
  expect([...figures.keys()]).toEqual([
    'accepted by the classifier',
    ...(name === 'tutorial' ? [] : ['asked digit is seen']),
    'digit distance',
    'precision',
    'recall',
    'entropy of the digits',
  ]);
  for (const { error } of figures.values()) expect(error).toBeGreaterThan(0);
});

test('notReproduced names a figure of a model card that is not reproduced', () => {
  const table = (accepted: string, recall: string) =>
    `| \`x\` | mean ± standard error | real digits |\n|---|--:|--:|\n| accepted | ${accepted} | 96.7% |\n| recall | ${recall} | 0.961 |\n\n`;
  const card = figuresOf(table('95.00% ± 0.30%', '0.800 ± 0.003'), 'x');
  expect(notReproduced(card, figuresOf(table('96.60% ± 0.50%', '0.811 ± 0.004'), 'x'))).toEqual([]);
  expect(notReproduced(card, figuresOf(table('96.80% ± 0.50%', '0.816 ± 0.004'), 'x'))).toEqual([
    'accepted',
    'recall',
  ]);
  expect(notReproduced(card, new Map())).toEqual(['accepted', 'recall']);
});

test('the figures of digits-instant in docs/models.md are reproduced from other noise', {
  tags: 'thorough',
  ...takesLong('runsProcesses'),
}, async () => {
  const output = await succeed(...'evaluate --model digits-instant --card --seed 1000000'.split(' '));
  const card = figuresOf(page, 'digits-instant');
  expect(card.size).toBe(6);
  expect(notReproduced(card, figuresOf(output, 'digits-instant')), output).toEqual([]);
});
