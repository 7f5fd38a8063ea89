/** What the words that explain themselves say of this page. */
import { expect, test } from 'vitest';
import { glossary } from '../../../harness/page/glossary/glossary_words';
import { pageRecipes } from '../../../harness/page/messages/settings';
import { whole } from '../../../harness/text/units';
import { recipes } from '../../../src/recipes';
import { parametersOf } from '../../../src/unet/config';

test('the word parameter has the numbers of the page’s recipes', () => {
  const numbers = pageRecipes.map((recipe) => parametersOf(recipes[recipe].network).parameters);
  const rounded = numbers.map((all) => {
    const count = all.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    return 10_000 * Math.round(count / 10_000);
  });
  const words = `${whole(Math.min(...rounded))} to ${whole(Math.max(...rounded))}`;
  expect(glossary.parameter).toContain(words);
});
