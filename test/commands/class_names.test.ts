import { expect, test } from 'vitest';
import { labelName, labelsIn, shownNames } from '../../harness/pictures/class_names';

const letters = { classes: 26, classNames: [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'] };
const pets = { classes: 4, classNames: ['cat', 'dog, small', 'dog', 'Dog'] };

test('a class without a name is called by its label', () => {
  expect(shownNames({ classes: 3 })).toEqual(['0', '1', '2']);
  expect(shownNames({ classes: 3, classNames: ['a', ' '] })).toEqual(['a', '1', '2']);
});

test('a class name is shown on one line, in at most 24 characters, with control characters escaped', () => {
  expect(labelName(0, [`${'x'.repeat(500)}`])).toBe(`${'x'.repeat(23)}…`);
  expect(labelName(0, ['x'.repeat(24)])).toBe('x'.repeat(24));
  expect(labelName(0, ['a\n b\t"c"'])).toBe('a b "c"');
  expect(labelName(0, ['a\u202eb'])).toBe('a\\u{202e}b');
  expect(labelName(0, ['❤️'.repeat(30)])).toBe(`${'❤️'.repeat(23)}…`);
});

test.each([
  ['HELLO', letters, [7, 4, 11, 11, 14]],
  ['hello, world', letters, [7, 4, 11, 11, 14, 22, 14, 17, 11, 3]],
  ['20 26', { classes: 10 }, [2, 0, 2, 6]],
  ['dog,CAT, dog ,small,Dog', pets, [2, 0, 1, 3]],
  ['日❤️日', { classes: 2, classNames: ['❤️', '日'] }, [1, 0, 1]],
  ['a,b', { classes: 3, classNames: ['a', ',', 'b'] }, [0, 1, 2]],
  // Of names that differ by capitals alone, the first where none is meant.
  ['DOG,Dog,dOG', pets, [2, 3, 2]],
  // Of two equal names the first counts.
  [', ', pets, []],
] as const)('the text %j orders classes by their names', (text, of, labels) => {
  expect(labelsIn(text, of)).toEqual({ labels });
});

test.each([
  ['12a', { classes: 10 }, 'There is no class "a"; this network makes 0 to 9.'],
  ['2026', { classes: 26 }, 'There is no class "2026"; this network makes 0 to 25, with commas between.'],
  ['constructor', pets, 'There is no class "constructor"'],
  ['1'.repeat(61), { classes: 10 }, 'The text orders 61 images; at most 60'],
] as const)('the text %j orders no classes, and the error says why', (text, of, problem) => {
  expect(labelsIn(text, of).problem).toContain(problem);
});
